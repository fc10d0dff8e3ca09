"""The end of the process."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator

import pytest
from mangum.types import Receive, Scope, Send

from tests.fakes.invocation import Fault
from tests.fakes.runtime_api import RuntimeApi
from tests.handler.apps import hello, http, in_time, start
from tests.handler.conftest import Serve
from tests.handler.events import function_url


@pytest.fixture(params=[False, True], ids=["answer at the end", "early answer"])
def answers_early(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def variables() -> dict[str, str]:
    return {}


@pytest.fixture
async def process(api: RuntimeApi, variables: dict[str, str]) -> AsyncIterator[Process]:
    environment = {"AWS_LAMBDA_RUNTIME_API": api.address, "PATH": "", **variables}
    command = (sys.executable, "-m", "tests.handler.process")
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=PIPE, stderr=PIPE)
    yield process
    if process.returncode is None:
        process.kill()
        await in_time(process.communicate())


async def test_sigterm_while_idle_exits_with_0(api: RuntimeApi, process: Process) -> None:
    await api.polled(1)
    process.terminate()
    assert await in_time(process.communicate()) == (b"shut down\n", b"")
    assert process.returncode == 0


async def test_sigterm_while_streaming_fails_stream(api: RuntimeApi, process: Process) -> None:
    call = api.invoke(function_url("/endless"))
    assert await call.chunk(2) == b"tick"
    process.terminate()
    stdout, _ = await in_time(process.communicate())
    assert (stdout.splitlines()[-1], process.returncode) == (b"shut down", 0)
    assert (await call.end()).error_type == "Runtime.ShuttingDown"


@pytest.mark.parametrize("variables", [{"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}])
async def test_sigterm_in_snapshot_exits_with_0(api: RuntimeApi, process: Process) -> None:
    api.restoring = asyncio.Event()
    await api.until(lambda: api.snapshots)
    process.terminate()
    assert await in_time(process.communicate()) == (b"shut down\n", b"")
    assert process.returncode == 0


async def test_app_that_ignores_cut_stops_at_deadline(api: RuntimeApi, process: Process) -> None:
    api.invoke(function_url("/deaf"), deadline=0.4, fault=Fault(cut_after=3))
    await api.polled(2)
    process.terminate()
    await in_time(process.communicate())
    assert process.returncode == 0


async def test_sys_exit_in_task_keeps_process(api: RuntimeApi, process: Process) -> None:
    exits, next_one = api.invoke(function_url("/exits-inside")), api.invoke(function_url("/hello"))
    assert (await exits.end()).error_type == "Function.AppExit"
    assert (await next_one.end()).content == b"hello"
    process.terminate()
    await in_time(process.communicate())
    assert process.returncode == 0


async def test_leftover_threads_do_not_delay_exit(api: RuntimeApi, process: Process) -> None:
    call = api.invoke(function_url("/leaves"))
    await api.polled(2)
    process.terminate()
    stdout, _ = await in_time(process.communicate())
    assert (call.content, stdout.splitlines()[-1:], process.returncode) == (b"hello", [b"shut down"], 0)


async def test_unconfirmed_response_at_shutdown_is_counted(
    api: RuntimeApi, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    call = api.invoke(function_url(), fault=Fault(mute=True))
    running = serve(hello)
    await call.until(lambda: call.content == b"hello")
    running.cancel()
    await in_time(asyncio.wait({running}))
    assert "no answer to the response" in caplog.text


async def test_sigterm_at_deadline_keeps_deadline_report(api: RuntimeApi, serve: Serve) -> None:
    stopping = asyncio.Event()

    @http
    async def app(send: Send) -> None:
        await start(send)
        try:
            await asyncio.Event().wait()
        finally:
            stopping.set()
            await asyncio.sleep(0.1)

    call = api.invoke(function_url(), deadline=0.4)
    running = serve(app)
    await in_time(stopping.wait())
    running.cancel()
    await in_time(asyncio.wait({running}))
    assert (await call.end()).error_type == "Function.DeadlineExceeded"


async def test_app_stops_before_lifespan_ends(api: RuntimeApi, serve: Serve) -> None:
    events: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await start(send)
            try:
                await asyncio.Event().wait()
            finally:
                events.append("request stopped")
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        events.append("shut down")
        await send({"type": "lifespan.shutdown.complete"})

    call = api.invoke(function_url())
    running = serve(app)
    await call.chunk(1)
    running.cancel()
    await in_time(asyncio.wait({running}))
    assert events == ["request stopped", "shut down"]


async def test_second_sigterm_is_ignored(api: RuntimeApi, serve: Serve) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    ended: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        begun.set()
        await go_on.wait()
        ended.append("shut down")
        await send({"type": "lifespan.shutdown.complete"})

    running = serve(app)
    await api.polled(1)
    os.kill(os.getpid(), signal.SIGTERM)
    await in_time(begun.wait())
    os.kill(os.getpid(), signal.SIGTERM)
    done, _ = await asyncio.wait({running}, timeout=0.1)  # an end would happen within this time
    assert not done
    go_on.set()
    assert await in_time(running) == 0
    assert ended == ["shut down"]
