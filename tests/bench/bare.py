"""The floor: the tutorial's stream in a loop around the Runtime API and nothing else. `python -m tests.bench.bare`.

One connection, HTTP written and read by hand, one kind of event, no failures: what is left is the work itself.
"""

import asyncio
import json
import os
from urllib.parse import parse_qs

from openai import AsyncOpenAI

API = "/2018-06-01/runtime/invocation"
PRELUDE = json.dumps({"statusCode": 200, "headers": {"content-type": "text/event-stream"}, "cookies": []}).encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def read(reader: asyncio.StreamReader) -> tuple[dict[str, str], bytes]:
    """Headers and body of an answer."""
    _, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return headers, await reader.readexactly(int(headers["content-length"]))


async def answer(writer: asyncio.StreamWriter, client: AsyncOpenAI, message: str) -> None:
    stream = await client.responses.create(model="gpt-4o-mini", input=message, stream=True)
    writer.write(chunk(PRELUDE) + chunk(bytes(8)) + chunk(b"event: start\ndata: [START]\n\n"))
    async for event in stream:
        if event.type == "response.output_text.delta":
            writer.write(chunk(f"data: {event.delta}\n\n".encode()))
            await writer.drain()
    writer.write(chunk(b"event: end\ndata: [END]\n\n") + b"0\r\n\r\n")


async def main() -> None:
    client = AsyncOpenAI()
    address = os.environ["AWS_LAMBDA_RUNTIME_API"]
    reader, writer = await asyncio.open_connection(*address.split(":"))
    while True:
        writer.write(f"GET {API}/next HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())
        headers, event = await read(reader)
        writer.write(
            f"POST {API}/{headers['lambda-runtime-aws-request-id']}/response HTTP/1.1\r\nHost: {address}\r\n"
            "Content-Type: application/vnd.awslambda.http-integration-response\r\n"
            "Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        await answer(writer, client, parse_qs(json.loads(event)["rawQueryString"])["message"][0])
        await read(reader)


if __name__ == "__main__":
    asyncio.run(main())
