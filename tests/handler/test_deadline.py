"""The function's time limit, over real sockets."""

import asyncio
import itertools

import pytest
from mangum.types import Receive, Scope, Send
from starlette.background import BackgroundTask
from starlette.responses import Response

from tests.fakes.invocation import Fault
from tests.fakes.runtime_api import RuntimeApi
from tests.handler.apps import hello, http, in_time, piece, start
from tests.handler.conftest import Serve
from tests.handler.events import function_url, load_balancer


@pytest.fixture(params=[False, True], ids=["answer at the end", "early answer"])
def answers_early(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@http
async def never_starts(send: Send) -> None:
    del send
    await asyncio.Event().wait()


@http
async def never_ends(send: Send) -> None:
    await start(send)
    await piece(send, b"half")
    await asyncio.Event().wait()


@http
async def never_stops_sending(send: Send) -> None:
    await start(send)
    while True:
        await piece(send, bytes(65536))


async def test_deadline_is_in_scope(api: RuntimeApi, serve: Serve) -> None:
    seen: list[float] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await hello(scope, receive, send)
        seen.append(scope["extensions"]["rivulet.invocation"]["deadline"])

    call = api.invoke(function_url(), deadline=30)
    serve(app)
    await api.polled(2)
    assert seen == [pytest.approx(call.deadline, abs=0.001)]


async def test_unstarted_app_at_deadline_is_error(api: RuntimeApi, serve: Serve) -> None:
    call = api.invoke(function_url(), deadline=0.4)
    serve(never_starts)
    assert (await call.end()).json["errorType"] == "Function.DeadlineExceeded"


async def test_streaming_app_at_deadline_ends_in_trailers(api: RuntimeApi, serve: Serve) -> None:
    api.enforces_deadlines = True
    call = api.invoke(function_url(), deadline=2)
    serve(never_ends)
    assert (await call.end()).error_type == "Function.DeadlineExceeded"
    assert call.content == b"half"
    assert not call.timed_out


@pytest.mark.parametrize("event", [function_url(), load_balancer()])
async def test_response_without_connection_at_deadline_is_error(
    api: RuntimeApi, serve: Serve, monkeypatch: pytest.MonkeyPatch, event: object
) -> None:
    connect = asyncio.open_connection
    connections = itertools.count(1)

    async def connect_too_late(*address: str) -> object:
        if next(connections) == 2:  # the first is for the event; the third for the error
            await asyncio.Event().wait()
        return await connect(*address)

    monkeypatch.setattr(asyncio, "open_connection", connect_too_late)
    api.hangs_up = True
    call = api.invoke(event, deadline=0.4)
    serve(hello)
    await call.end()
    assert (call.resource, call.error_type) == ("error", "Function.DeadlineExceeded")


async def test_app_may_run_until_deadline(api: RuntimeApi, serve: Serve) -> None:
    @http
    async def app(send: Send) -> None:
        await start(send)
        try:
            await asyncio.Event().wait()
        finally:
            await piece(send, b"out of time", more=False)

    call = api.invoke(function_url(), deadline=0.4)
    serve(app)
    assert ((await call.end()).content, call.trailers) == (b"out of time", {})


async def test_app_that_ignores_cancellation_is_abandoned(
    api: RuntimeApi, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    release = asyncio.Event()
    outcome: asyncio.Future[type[Exception] | None] = asyncio.get_running_loop().create_future()

    @http
    async def stubborn(send: Send) -> None:
        await start(send)
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        try:
            await piece(send, b"too late")
        except Exception as error:  # noqa: BLE001 - which it is, is the question
            outcome.set_result(type(error))
        else:
            outcome.set_result(None)

    call = api.invoke(function_url(), deadline=0.4)
    serve(stubborn)
    assert (await call.end()).error_type == "Function.DeadlineExceeded"
    await api.polled(2)
    assert "ignores its cancellation" in caplog.text
    release.set()
    assert await in_time(outcome) is ConnectionResetError


async def test_stuck_reader_does_not_block_process(api: RuntimeApi, serve: Serve) -> None:
    call = api.invoke(function_url(), deadline=0.4, fault=Fault(hold=asyncio.Event()))
    serve(never_stops_sending)
    await api.polled(2)
    assert call.chunks == []


async def test_background_task_is_cancelled_at_deadline(
    api: RuntimeApi, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    call = api.invoke(function_url(), deadline=0.4)
    serve(Response("ok", background=BackgroundTask(asyncio.Event().wait)))
    assert (await call.end()).content == b"ok"
    await api.polled(2)
    assert "timed out" in caplog.text


@pytest.mark.parametrize("app", [never_starts, never_ends])
async def test_process_survives_deadline(api: RuntimeApi, serve: Serve, app: object) -> None:
    calls = [api.invoke(function_url(), deadline=0.3) for _ in range(2)]
    serve(app)
    await api.polled(3)
    assert [call.error_type for call in calls] == ["Function.DeadlineExceeded"] * 2


@pytest.mark.parametrize("deadline", [None, -3600])
async def test_past_deadline_is_ignored(api: RuntimeApi, serve: Serve, deadline: float | None) -> None:
    call = api.invoke(function_url(), deadline=deadline)
    serve(hello)
    assert (await call.end()).content == b"hello"
