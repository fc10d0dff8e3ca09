"""Helpers for the small ASGI apps of these tests."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from mangum.types import ASGI, Message, Receive, Scope, Send

from tests.fakes.invocation import PATIENCE

T = TypeVar("T")


async def start(send: Send, status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def piece(send: Send, data: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": more})


def http(answer: Callable[[Send], Awaitable[None]]) -> ASGI:
    """Returns an app that answers every request with `answer`, without a lifespan."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        assert (await receive())["type"] == "http.request"
        await answer(send)

    return app


@http
async def hello(send: Send) -> None:
    await start(send)
    await piece(send, b"hello", more=False)


async def in_time(awaitable: Awaitable[T]) -> T:
    """Waits a short time for the result. Raises TimeoutError."""
    return await asyncio.wait_for(awaitable, PATIENCE)


def messages(*pieces: bytes) -> list[Message]:
    """Sends a response with this body."""
    return [
        {"type": "http.response.start", "status": 200, "headers": []},
        *({"type": "http.response.body", "body": data, "more_body": True} for data in pieces),
        {"type": "http.response.body", "body": b"", "more_body": False},
    ]
