"""The floor: only the tutorial's stream in a bare loop.

`python -m tests.bench.bare`.
"""

import asyncio

from openai import AsyncOpenAI

from tests.bench.loop import BEGINNING, END, chunk, serve


class Answer:
    """Streams with OpenAI's client, like the tutorial."""

    def __init__(self) -> None:
        self._client = AsyncOpenAI()

    async def __call__(self, writer: asyncio.StreamWriter, message: str) -> None:
        stream = await self._client.responses.create(model="gpt-4o-mini", input=message, stream=True)
        writer.write(BEGINNING)
        async for event in stream:
            if event.type == "response.output_text.delta":
                writer.write(chunk(f"data: {event.delta}\n\n".encode()))
                await writer.drain()
        writer.write(END)


async def main() -> None:
    await serve(Answer())


if __name__ == "__main__":
    asyncio.run(main())
