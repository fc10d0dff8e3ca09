"""The measured part of the tutorial's application: a page,
and the stream of OpenAI's answer.
"""

from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, StreamingResponse
from openai import AsyncOpenAI

app = FastAPI()
client = AsyncOpenAI()


@app.get("/", response_class=HTMLResponse)
async def page() -> str:
    return "<!doctype html><title>Turns</title>"


@app.get("/chat-stream")
async def chat_stream(message: str) -> StreamingResponse:
    stream = await client.responses.create(model="gpt-4o-mini", input=message, stream=True)

    async def frames() -> AsyncIterator[str]:
        yield "event: start\ndata: [START]\n\n"
        async for event in stream:
            if event.type == "response.output_text.delta":
                yield f"data: {event.delta}\n\n"
        yield "event: end\ndata: [END]\n\n"

    return StreamingResponse(frames(), media_type="text/event-stream")
