"""A small app in its own process: `python -m
tests.handler.process`, like `python -m handler`.
"""

import asyncio
import os
import sys
import threading
from contextlib import suppress
from contextvars import Context

from mangum.types import Message, Receive, Scope, Send

from handler.runtime import serve
from tests.handler.apps import hello, http, piece, start


@http
async def endless(send: Send) -> None:
    await start(send)
    while True:
        await piece(send, b"tick")
        await asyncio.sleep(0.01)


@http
async def large(send: Send) -> None:
    """Streams 200 MB, the maximum of Lambda."""
    await start(send)
    for _ in range(200 * 16):
        await piece(send, bytes(64 * 1024))
    await piece(send, b"", more=False)


@http
async def deaf(send: Send) -> None:
    """Sends for ever, even if it is cancelled."""
    await start(send)
    while True:
        with suppress(OSError):
            await piece(send, b"more")


@http
async def fails(send: Send) -> None:
    del send
    raise ValueError("before the first byte")


@http
async def fails_half_way(send: Send) -> None:
    await start(send)
    await piece(send, b"half")
    raise ValueError("after the first byte, at length: " + "x" * 100_000)


@http
async def leaves_what_will_not_end(send: Send) -> None:
    """Starts a thread and a task that ignore cancellation."""

    async def will_not_stop() -> None:
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    asyncio.get_running_loop().run_in_executor(None, threading.Event().wait)
    LEFT.append(asyncio.create_task(will_not_stop(), context=Context()))
    await hello({"type": "http"}, anything, send)


@http
async def exits_inside(send: Send) -> None:
    """Sends from another task, as middleware does."""

    async def exit_now() -> None:
        sys.exit(3)

    await start(send)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(exit_now())


async def anything() -> Message:
    return {"type": "http.request"}


LEFT: list[asyncio.Task[None]] = []
ROUTES = {
    "/hello": hello,
    "/endless": endless,
    "/deaf": deaf,
    "/large": large,
    "/exits-inside": exits_inside,
    "/leaves": leaves_what_will_not_end,
    "/fails": fails,
    "/fails-half-way": fails_half_way,
}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Prints a line when its lifespan ends."""
    if scope["type"] == "http":
        return await ROUTES[scope["path"].removeprefix(scope["root_path"])](scope, receive, send)
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    sys.stdout.write("shut down\n")
    return await send({"type": "lifespan.shutdown.complete"})


if __name__ == "__main__":
    sys.exit(serve(lambda: app, os.environ))
