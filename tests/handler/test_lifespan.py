"""The app's lifespan: once per environment."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI, Request
from mangum.types import ASGI, Receive, Scope, Send

from handler.lifespan import Lifespan
from handler.runtime import run
from tests.fakes.runtime_api import RuntimeApi
from tests.handler.apps import hello, in_time
from tests.handler.conftest import Serve
from tests.handler.events import function_url


def app_with(events: list[str], *, failure: Exception | None = None) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, str]]:
        events.append("startup")
        if failure:
            raise failure
        yield {"greeting": "hello"}
        events.append("shutdown")

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def greet(request: Request) -> str:
        events.append("request")
        return str(request.state.greeting)

    return app


async def test_startup_runs_once_and_shares_state(api: RuntimeApi, serve: Serve) -> None:
    events: list[str] = []
    calls = [api.invoke(function_url()) for _ in range(2)]
    serve(app_with(events))
    assert [(await call.end()).content for call in calls] == [b'"hello"'] * 2
    assert events == ["startup", "request", "request"]


async def test_loop_end_runs_shutdown(api: RuntimeApi, serve: Serve) -> None:
    events: list[str] = []
    running = serve(app_with(events))
    await api.polled(1)
    running.cancel()
    await in_time(asyncio.wait({running}))
    assert events == ["startup", "shutdown"]


async def test_startup_exception_is_init_error(api: RuntimeApi, serve: Serve) -> None:
    assert await in_time(serve(app_with([], failure=ValueError("OPENAI_API_KEY is not set")))) == 1
    error = await api.init_failed()
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "OPENAI_API_KEY is not set")
    assert error["stackTrace"]
    assert (api.init_error_type, api.polls) == ("Function.ValueError", 0)


async def test_startup_failed_message_is_init_error(api: RuntimeApi, serve: Serve) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "lifespan"
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    assert await in_time(serve(app)) == 1
    assert (await api.init_failed())["errorMessage"] == "no database"
    assert api.init_error_type == "Function.LifespanFailed"


async def returns_at_once(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await hello(scope, receive, send)


@pytest.mark.parametrize("app", [hello, returns_at_once])
async def test_app_without_lifespan_is_served(api: RuntimeApi, serve: Serve, app: object) -> None:
    call = api.invoke(function_url())
    serve(app)
    assert (await call.end()).content == b"hello"


async def test_shutdown_exception_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        raise ValueError("cannot close")

    lifespan = Lifespan(app)
    await lifespan.startup()
    await lifespan.shutdown()
    assert "cannot close" in caplog.text


async def test_shutdown_failed_message_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.failed", "message": "cannot close"})

    lifespan = Lifespan(app)
    await lifespan.startup()
    await lifespan.shutdown()
    assert "cannot close" in caplog.text


async def test_early_end_of_lifespan_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        await receive()
        await send({"type": "lifespan.startup.complete"})
        raise ValueError("the pool is gone")

    lifespan = Lifespan(app)
    await lifespan.startup()
    await asyncio.sleep(0)
    await lifespan.shutdown()
    assert "the pool is gone" in caplog.text


async def test_sigterm_during_startup_cancels_it(api: RuntimeApi, serve: Serve) -> None:
    opened, closed = asyncio.Event(), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, send
        await receive()
        opened.set()
        try:
            await asyncio.Event().wait()
        finally:
            closed.set()

    running = serve(app)
    await in_time(opened.wait())
    running.cancel()
    await in_time(asyncio.wait({running}))
    assert (closed.is_set(), api.polls) == (True, 0)


async def test_hanging_shutdown_is_cancelled(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handler.lifespan.LIMIT", 0.05)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await asyncio.Event().wait()

    lifespan = Lifespan(app)
    await lifespan.startup()
    await lifespan.shutdown()
    assert "longer than" in caplog.text


def cannot_be_built() -> ASGI:
    raise ImportError("no such module")


async def test_silent_runtime_api_does_not_delay_init_failure(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handler.runtime.REPORT_LIMIT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        assert await in_time(run(cannot_be_built, {"AWS_LAMBDA_RUNTIME_API": address})) == 1
    assert "no such module" in caplog.text
    assert "failed to report to the Runtime API" in caplog.text


async def test_sys_exit_in_build_is_init_error(api: RuntimeApi) -> None:
    assert await in_time(run(lambda: sys.exit(0), {"AWS_LAMBDA_RUNTIME_API": api.address})) == 1
    assert (await api.init_failed())["errorType"] == "SystemExit"


async def test_sys_exit_in_startup_is_init_error(api: RuntimeApi, serve: Serve) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive, send
        sys.exit("no database")

    assert await in_time(serve(app)) == 1
    assert "no database" in (await api.init_failed())["errorMessage"]
