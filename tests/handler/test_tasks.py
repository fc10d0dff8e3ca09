"""Tasks that an app leaves running, over real sockets."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context

import pytest
from mangum.types import ASGI, Receive, Scope, Send

from tests.fakes.runtime_api import RuntimeApi
from tests.handler.apps import http, in_time, piece, start
from tests.handler.conftest import Serve
from tests.handler.events import function_url


class Work:
    """Runs until its event is set."""

    def __init__(self) -> None:
        self.may_end = asyncio.Event()
        self.ended = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def go_on(self) -> None:
        await self.may_end.wait()
        self.ended.set()

    def begin(self, work: Callable[[], Awaitable[None]], context: Context | None = None) -> None:
        async def run() -> None:
            await work()

        self._tasks.append(asyncio.create_task(run(), context=context))

    async def beget(self) -> None:
        """Starts another task."""
        self.begin(self.go_on)


def beginning(begin: Callable[[], None]) -> ASGI:
    """Returns an app that starts a task after its response."""

    @http
    async def app(send: Send) -> None:
        await start(send)
        await piece(send, b"done", more=False)
        begin()

    return app


@pytest.mark.parametrize("name", ["go_on", "beget"])
async def test_task_delays_next_poll(api: RuntimeApi, serve: Serve, name: str) -> None:
    work = Work()
    call = api.invoke(function_url())
    serve(beginning(lambda: work.begin(getattr(work, name))))
    await call.end()
    assert (call.content, api.polls) == (b"done", 1)
    work.may_end.set()
    await api.polled(2)
    assert work.ended.is_set()


async def test_wait_ends_at_deadline_and_names_task(
    api: RuntimeApi, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    work = Work()
    api.invoke(function_url(), deadline=0.4)
    serve(beginning(lambda: work.begin(work.go_on)))
    await api.polled(2)
    [line] = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert line.startswith("background tasks still running at freeze: ")
    assert "Work.begin" in line


async def test_wait_for_endless_task_is_bounded(api: RuntimeApi, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handler.cycle.TASKS_LIMIT", 0.05)
    work = Work()
    api.invoke(function_url(), deadline=60)
    serve(beginning(lambda: work.begin(work.go_on)))
    await api.polled(2)
    assert not work.ended.is_set()


async def test_shutdown_cancels_task(api: RuntimeApi, serve: Serve) -> None:
    work, stopped = Work(), asyncio.Event()

    async def go_on() -> None:
        try:
            await work.go_on()
        finally:
            stopped.set()

    call = api.invoke(function_url())
    running = serve(beginning(lambda: work.begin(go_on)))
    await call.end()
    running.cancel()
    await in_time(asyncio.wait({running}))
    assert stopped.is_set()


async def test_task_in_own_context_is_not_tracked(api: RuntimeApi, serve: Serve) -> None:
    work = Work()
    api.invoke(function_url())
    serve(beginning(lambda: work.begin(work.go_on, Context())))
    await api.polled(2)
    assert not work.ended.is_set()


async def test_lifespan_task_is_not_tracked(api: RuntimeApi, serve: Serve) -> None:
    work = Work()
    answer = beginning(lambda: None)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            return await answer(scope, receive, send)
        await receive()
        work.begin(work.go_on)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        return await send({"type": "lifespan.shutdown.complete"})

    api.invoke(function_url())
    serve(app)
    await api.polled(2)
    assert not work.ended.is_set()


async def test_invocation_ignores_tasks_of_others(api: RuntimeApi, serve: Serve) -> None:
    work = Work()
    first = iter([True])

    def begin() -> None:
        if next(first, False):
            work.begin(work.go_on)

    api.invoke(function_url())
    api.invoke(function_url())
    serve(beginning(begin), AWS_LAMBDA_MAX_CONCURRENCY="2")
    await api.polled(3)
    assert not work.ended.is_set()
