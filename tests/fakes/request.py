"""A request to the emulated Runtime API: its head, and its
body in the chunks of its framing.

Raises EOFError or OSError if the connection ends too early, and ValueError if it is not
HTTP/1.1. Source: RFC 9112, "HTTP/1.1", sections 2 and 7.1.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from tests.fakes.invocation import Headers

API = "/2018-06-01/runtime/"


@dataclass(frozen=True)
class Request:
    """The head of a request; names of headers are lower-case."""

    method: str
    resource: str
    headers: Headers


async def read_head(reader: asyncio.StreamReader, prefix: str = "") -> Request:
    """Reads a head. Raises EOFError if there is no further request."""
    line, *fields = (await _read_until(reader, b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = line.split(" ")
    pairs = (header.split(":", 1) for header in fields)
    return Request(method, path.removeprefix(prefix + API), {name.lower(): value.strip() for name, value in pairs})


async def read_error(headers: Headers, reader: asyncio.StreamReader) -> tuple[str | None, dict[str, Any]]:
    """Type and report of a failure outside of invocations."""
    body = b"".join([data async for data in read_body(headers, reader, {})])
    return headers.get("lambda-runtime-function-error-type"), json.loads(body)


async def read_body(headers: Headers, reader: asyncio.StreamReader, trailers: Headers) -> AsyncIterator[bytes]:
    """Yields the chunks of a body, or a body with a length in one piece.

    Sets the trailers at the end.
    """
    if headers.get("transfer-encoding") != "chunked":
        yield await reader.readexactly(int(headers.get("content-length", "0")))
        return
    while size := int(await _read_until(reader, b"\r\n"), 16):
        yield (await reader.readexactly(size + 2))[:-2]
    while line := await _read_until(reader, b"\r\n"):
        name, _, value = line.decode("ascii").partition(":")
        trailers[name.lower()] = value.strip()


async def _read_until(reader: asyncio.StreamReader, end: bytes) -> bytes:
    """Returns the bytes before `end`, which must follow: `readline` would also accept
    the end of the connection.
    """
    try:
        return (await reader.readuntil(end)).removesuffix(end)
    except asyncio.LimitOverrunError as error:
        raise ValueError(str(error)) from error
