"""Below the floor: the bare loop also without OpenAI's client.

`python -m tests.bench.sockets`.

It cuts tokens out of the bytes of one socket and writes them to the other. It has no
practical use: it shows the cost of waking a program for a token.
"""

import asyncio
import os
import re
from urllib.parse import urlsplit

from tests.bench.loop import BEGINNING, END, chunk, serve

DELTA = re.compile(rb'"delta": "([^"]*)"')
LAST = b"\r\n0\r\n\r\n"


async def answer(writer: asyncio.StreamWriter, message: str) -> None:
    model = urlsplit(os.environ["OPENAI_BASE_URL"])
    reader, question = await asyncio.open_connection(model.hostname, model.port)
    question.write(b"POST /v1/responses HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(message), message.encode()))
    rest = await reader.readuntil(b"\r\n\r\n")
    writer.write(BEGINNING)
    while not rest.endswith(LAST):
        data = await reader.read(65536)
        assert data, "the model ends its answer"
        rest = write_tokens(writer, rest + data)
        await writer.drain()
    writer.write(END)
    question.close()


def write_tokens(writer: asyncio.StreamWriter, data: bytes) -> bytes:
    """Returns the rest of the data."""
    end = 0
    for delta in DELTA.finditer(data):
        writer.write(chunk(b"data: %b\n\n" % delta[1]))
        end = delta.end()
    return data[end:]


if __name__ == "__main__":
    asyncio.run(serve(answer))
