"""A bare loop on the Runtime API: one connection, HTTP by
hand, one kind of event, no failures.
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

API = "/2018-06-01/runtime/invocation"
PRELUDE = json.dumps({"statusCode": 200, "headers": {"content-type": "text/event-stream"}, "cookies": []}).encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


BEGINNING = chunk(PRELUDE) + chunk(bytes(8)) + chunk(b"event: start\ndata: [START]\n\n")
END = chunk(b"event: end\ndata: [END]\n\n") + b"0\r\n\r\n"


async def serve(answer: Callable[[asyncio.StreamWriter, str], Awaitable[None]]) -> None:
    """Polls for ever, and lets `answer` write the response's body for each message."""
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
        await answer(writer, parse_qs(json.loads(event)["rawQueryString"])["message"][0])
        await read(reader)


async def read(reader: asyncio.StreamReader) -> tuple[dict[str, str], bytes]:
    """Reads headers and body of an answer."""
    _, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return headers, await reader.readexactly(int(headers["content-length"]))
