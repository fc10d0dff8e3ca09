"""The loop over real sockets: a Runtime API that refuses, disconnects or hangs."""

import asyncio
import logging
from contextlib import suppress

import pytest
from mangum.types import Message, Receive, Scope, Send

from tests.fakes.invocation import Fault
from tests.fakes.runtime_api import RuntimeApi
from tests.handler.apps import hello, http, in_time, piece, start
from tests.handler.conftest import Serve
from tests.handler.events import function_url, load_balancer


@http
async def endless(send: Send) -> None:
    """Sends until the connection fails."""
    await start(send)
    while True:
        await piece(send, bytes(4096))
        await asyncio.sleep(0)


@pytest.mark.parametrize("status", [400, 403, 410, 413, 418])
async def test_refused_response_is_logged(
    api: RuntimeApi, serve: Serve, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    api.invoke(function_url(), fault=Fault(answer=status))
    call = api.invoke(function_url())
    serve(hello)
    assert (await call.end()).content == b"hello"
    assert f"answered {status}" in caplog.text


@pytest.mark.parametrize("status", [400, 403, 410])
async def test_early_refusal_ends_response(
    api: RuntimeApi, serve: Serve, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    api.invoke(function_url(), fault=Fault(early=status))
    serve(endless)
    await api.polled(2)
    assert f"answered {status}" in caplog.text


async def test_refusal_with_stuck_reader_ends_response(api: RuntimeApi, serve: Serve) -> None:
    @http
    async def app(send: Send) -> None:
        await start(send)
        await piece(send, bytes(32 * 1024 * 1024))

    api.invoke(function_url(), fault=Fault(early=410))
    serve(app)
    await api.polled(2)


@pytest.mark.parametrize(("event", "status"), [(function_url(), 410), (load_balancer(), 413)])
async def test_late_refusal_ends_response(
    api: RuntimeApi, serve: Serve, caplog: pytest.LogCaptureFixture, event: object, status: int
) -> None:
    @http
    async def app(send: Send) -> None:
        await start(send)
        await piece(send, bytes(32 * 1024 * 1024), more=False)

    api.invoke(event, fault=Fault(early=status))
    serve(app)
    await api.polled(2)
    assert f"answered {status}" in caplog.text


@pytest.mark.parametrize(("event", "status"), [(function_url(), 410), (load_balancer(), 413)])
async def test_unread_refusal_does_not_delay_next_event(
    api: RuntimeApi, serve: Serve, event: object, status: int
) -> None:
    api.invoke(event, fault=Fault(early=status))
    serve(hello)
    await api.polled(2)


@pytest.mark.parametrize("fault", [Fault(cut_after=3), Fault(early=410)])
async def test_failure_after_cut_is_logged(
    api: RuntimeApi, serve: Serve, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        with suppress(OSError):
            await endless(scope, receive, send)
        raise ValueError("the database is gone")

    api.invoke(function_url(), fault=fault)
    serve(app)
    await api.polled(2)
    assert "ValueError: the database is gone" in caplog.text


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("chunks", [0, 2, 5])
async def test_cut_connection_keeps_process(
    api: RuntimeApi, serve: Serve, caplog: pytest.LogCaptureFixture, chunks: int, *, early: bool
) -> None:
    api.answers_early = early
    api.invoke(function_url(), fault=Fault(cut_after=chunks))
    serve(endless)
    await api.polled(2)
    assert "cut off" in caplog.text
    assert api.connections == 2


@pytest.mark.parametrize("keep_alive", [True, False])
async def test_early_answers_are_followed_by_more_events(
    api: RuntimeApi, serve: Serve, caplog: pytest.LogCaptureFixture, *, keep_alive: bool
) -> None:
    api.answers_early, api.keep_alive = True, keep_alive

    @http
    async def app(send: Send) -> None:
        await start(send)
        for _ in range(50):
            await piece(send, bytes(4096))
        await piece(send, b"", more=False)

    calls = [api.invoke(function_url()) for _ in range(5)]
    serve(app)
    assert [len((await call.end()).content) for call in calls] == [50 * 4096] * 5
    await api.polled(6)
    assert (api.connections == 1) is keep_alive
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_unread_body_stops_app(api: RuntimeApi, serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    api.invoke(function_url(), deadline=1, fault=Fault(early=202))
    call = api.invoke(function_url())
    serve(endless)
    await call.chunk(2)
    assert "timed out" in caplog.text


async def test_cut_reaches_send_then_receive(api: RuntimeApi, serve: Serve) -> None:
    heard: list[Message | type[OSError]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await endless(scope, receive, send)
        except OSError:
            heard.append(await receive())
        try:
            await piece(send, b"more")
        except OSError:
            heard.append(OSError)

    api.invoke(function_url(), fault=Fault(cut_after=3))
    serve(app)
    await api.polled(2)
    assert heard == [{"type": "http.disconnect"}, OSError]


async def test_silent_api_is_awaited_until_deadline(
    api: RuntimeApi, serve: Serve, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handler.poller.ANSWER_LIMIT", 0.05)
    api.invoke(function_url(), deadline=0.4, fault=Fault(mute=True))
    call = api.invoke(function_url())
    serve(hello)
    assert (await call.end()).content == b"hello"
    assert "no answer" in caplog.text


@pytest.mark.parametrize("fault", [0, 400, 403, 502])
async def test_failed_poll_is_retried(api: RuntimeApi, serve: Serve, fault: int) -> None:
    api.next_faults.extend([fault, fault])
    call = api.invoke(function_url())
    serve(hello)
    assert (await call.end()).content == b"hello"


async def test_closed_connection_is_replaced(api: RuntimeApi, serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    api.hangs_up = True

    @http
    async def app(send: Send) -> None:
        await asyncio.sleep(0.02)  # the kernel needs a moment to report the end of the connection
        await start(send)
        await piece(send, b"hello", more=False)

    calls = [api.invoke(function_url()) for _ in range(3)]
    serve(app)
    assert [(await call.end()).content for call in calls] == [b"hello"] * 3
    assert "no answer" not in caplog.text


async def test_event_without_request_id_is_skipped(api: RuntimeApi, serve: Serve) -> None:
    api.invoke(function_url()).sent_headers.pop("Lambda-Runtime-Aws-Request-Id")
    call = api.invoke(function_url())
    serve(hello)
    assert (await call.end()).content == b"hello"


async def test_invalid_request_id_ends_only_its_invocation(
    api: RuntimeApi, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    api.invoke(function_url(), headers={"Lambda-Runtime-Aws-Request-Id": "a b"})
    call = api.invoke(function_url())
    serve(hello)
    assert (await call.end()).content == b"hello"
    assert "invalid request to the Runtime API" in caplog.text


async def test_lost_api_ends_process(api: RuntimeApi, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handler.poller.RETRY_DELAYS", (0, 0.01, 0.01))
    api.next_faults.extend([0] * 3)
    assert await in_time(serve(hello)) == 1


@pytest.mark.parametrize("where", ["poll", "response"])
async def test_unrecoverable_api_ends_process(api: RuntimeApi, serve: Serve, where: str) -> None:
    if where == "poll":
        api.next_faults.append(500)
    else:
        api.invoke(function_url(), fault=Fault(answer=500))
    assert await in_time(serve(hello)) == 1


async def test_non_http_server_ends_process(serve: Serve, api: RuntimeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 smtp.example.com\r\n\r\n")
        writer.close()

    monkeypatch.setattr("handler.poller.RETRY_DELAYS", (0, 0))
    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        api.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert await in_time(serve(hello)) == 1
