"""Runs a script on one HTTP response.

`run` takes steps and a writer: `Stream` for server-sent events, `Whole` for one
Response as JSON. The writers send ASGI messages. The caller cancels the run if the
client disconnects.
"""

import asyncio
import base64
import json
import secrets
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from starlette.types import Send

from infra.standin.contract import JsonObject
from infra.standin.gates import Gates
from infra.standin.language import Base64, Cut, Delay, Event, Gate, Raw, Split, Status, Step
from infra.standin.responses import Answer


class Writer(Protocol):
    """Writes the steps of a script to a response."""

    async def head(self) -> None:
        """Sends status 200 and the headers, unless they are sent already."""

    async def write(self, step: Step) -> None:
        """Sends a step, or stores it for the end."""

    async def end(self) -> None:
        """Sends the rest and ends the body."""


async def run(steps: Iterable[Step], writer: Writer, gates: Gates, cut: Callable[[], None]) -> Status | None:
    """Runs the steps to their end.

    Returns a status step, which the caller must send instead.
    """
    for step in steps:
        match step:
            case Status():
                return step
            case Delay():
                await asyncio.sleep(step.delay)
            case Gate():
                await gates.wait_open(step.gate)
            case Cut():
                await writer.head()
                cut()
                return None
            case _:
                await writer.write(step)
    await writer.end()
    return None


class _Head:
    """Sends the head of a response once, before its body."""

    def __init__(self, send: Send, content_type: str) -> None:
        self._send = send
        self._content_type = content_type
        self._sent = False

    async def head(self) -> None:
        if not self._sent:
            self._sent = True
            headers = {"content-type": self._content_type, "x-request-id": f"req_{secrets.token_hex(16)}"}
            raw = [(name.encode(), value.encode()) for name, value in headers.items()]
            await self._send({"type": "http.response.start", "status": 200, "headers": raw})

    async def body(self, data: bytes, *, more: bool) -> None:
        await self.head()
        await self._send({"type": "http.response.body", "body": data, "more_body": more})


class Stream:
    """Writes server-sent events at once, each in one HTTP chunk,
    or in several after a split step.
    """

    def __init__(self, send: Send) -> None:
        self._response = _Head(send, "text/event-stream; charset=utf-8")
        self._size: int | None = None

    async def head(self) -> None:
        await self._response.head()

    async def write(self, step: Step) -> None:
        if isinstance(step, Split):
            self._size = step.split
            return
        await self.head()
        for piece in _pieces(_encoded(step), self._size):
            await self._response.body(piece, more=True)
            await asyncio.sleep(0)  # so that a disconnect is noticed between chunks

    async def end(self) -> None:
        await self._response.body(b"", more=False)


class Whole:
    """Writes one Response from the events of a script, at its end."""

    def __init__(self, send: Send, answer: Answer) -> None:
        self._response = _Head(send, "application/json")
        self._answer = answer
        self._events: list[JsonObject] = []

    async def head(self) -> None:
        await self._response.head()

    async def write(self, step: Step) -> None:
        if isinstance(step, Event):
            self._events.append(step.event)

    async def end(self) -> None:
        await self._response.body(_json(self._answer.whole(self._events)), more=False)


def _encoded(step: Step) -> bytes:
    """Returns the bytes of an output step."""
    match step:
        case Event():
            return _frame(step.event)
        case Raw():
            return step.raw.encode()
        case Base64():
            return base64.b64decode(step.base64)
    raise TypeError(f"{step!r} has no bytes: a script is expanded before it runs")


def _frame(event: JsonObject) -> bytes:
    """Returns one server-sent event; its name is the event's type, if there is one."""
    kind = event.get("type")
    name = f"event: {kind}\n".encode() if isinstance(kind, str) else b""
    return name + b"data: " + _json(event) + b"\n\n"


def _json(value: JsonObject) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _pieces(data: bytes, size: int | None) -> Iterator[bytes]:
    """Returns `data` in pieces of at most `size` bytes; whole
    without a size; no piece if it is empty.
    """
    step = size or len(data) or 1
    return (data[start : start + step] for start in range(0, len(data), step))
