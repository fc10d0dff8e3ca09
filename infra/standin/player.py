"""Performs a script on one HTTP response.

In: a script and an outlet: `Stream` for server-sent events, `Whole` for one Response as JSON. Out: ASGI messages.
Nothing here looks for a client that has left: whoever calls cancels the performance then.
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
from infra.standin.plays import Base64, Cut, Delay, Event, Gate, Raw, Split, Status, Step
from infra.standin.responses import Answer


class Outlet(Protocol):
    """Where the words of a script go."""

    async def head(self) -> None:
        """Sends status 200 and the headers, unless they have gone out already."""

    async def say(self, step: Step) -> None:
        """Sends a step, or keeps it for the end."""

    async def end(self) -> None:
        """Sends what is left and ends the body."""


async def perform(script: Iterable[Step], outlet: Outlet, gates: Gates, cut: Callable[[], None]) -> Status | None:
    """Performs `script` to its end; returns the status that ends it instead, for the caller to answer with."""
    for step in script:
        match step:
            case Status():
                return step
            case Delay():
                await asyncio.sleep(step.delay)
            case Gate():
                await gates.passed(step.gate)
            case Cut():
                await outlet.head()
                cut()
                return None
            case _:
                await outlet.say(step)
    await outlet.end()
    return None


class _Head:
    """Sends the head of a response once, before the first of its body."""

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
    """Server-sent events as they come, each an HTTP chunk of its own, or several where the play splits them."""

    def __init__(self, send: Send) -> None:
        self._response = _Head(send, "text/event-stream; charset=utf-8")
        self._size: int | None = None

    async def head(self) -> None:
        await self._response.head()

    async def say(self, step: Step) -> None:
        if isinstance(step, Split):
            self._size = step.split
            return
        await self.head()
        for piece in _pieces(_encoded(step), self._size):
            await self._response.body(piece, more=True)
            await asyncio.sleep(0)  # so that a client which leaves is noticed between chunks too

    async def end(self) -> None:
        await self._response.body(b"", more=False)


class Whole:
    """The one Response that the events of a script make up, once they are all there."""

    def __init__(self, send: Send, answer: Answer) -> None:
        self._response = _Head(send, "application/json")
        self._answer = answer
        self._events: list[JsonObject] = []

    async def head(self) -> None:
        await self._response.head()

    async def say(self, step: Step) -> None:
        if isinstance(step, Event):
            self._events.append(step.event)

    async def end(self) -> None:
        await self._response.body(_json(self._answer.whole(self._events)), more=False)


def _encoded(step: Step) -> bytes:
    """The bytes of a step that speaks."""
    match step:
        case Event():
            return _frame(step.event)
        case Raw():
            return step.raw.encode()
        case Base64():
            return base64.b64decode(step.base64)
    raise TypeError(f"{step!r} has no bytes: a script is written out before it is performed")


def _frame(event: JsonObject) -> bytes:
    """One server-sent event: its type, where it has one, and itself."""
    kind = event.get("type")
    name = f"event: {kind}\n".encode() if isinstance(kind, str) else b""
    return name + b"data: " + _json(event) + b"\n\n"


def _json(value: JsonObject) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _pieces(data: bytes, size: int | None) -> Iterator[bytes]:
    """`data` in pieces of at most `size` bytes; whole without a size; nothing of nothing."""
    step = size or len(data) or 1
    return (data[start : start + step] for start in range(0, len(data), step))
