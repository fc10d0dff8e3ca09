"""The loop over real sockets: apps that fail, and events that are not requests."""

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable

import pytest
from fastapi import FastAPI
from mangum.types import ASGI, Receive, Scope, Send
from starlette.background import BackgroundTask
from starlette.responses import Response

from tests.fakes.runtime_api import RuntimeApi
from tests.handler.apps import hello, http, piece, start
from tests.handler.conftest import Serve
from tests.handler.events import function_url


@pytest.fixture(params=[False, True], ids=["answer at the end", "early answer"])
def answers_early(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@http
async def fails_at_once(send: Send) -> None:
    del send
    raise ValueError("before the first byte")


@http
async def fails_after_a_piece(send: Send) -> None:
    await start(send)
    await piece(send, b"half")
    raise ValueError("after the first byte")


@http
async def returns_without_a_word(send: Send) -> None:
    del send


@http
async def stops_half_way(send: Send) -> None:
    await start(send)
    await piece(send, b"half")


async def test_failure_before_first_byte_posts_error(api: RuntimeApi, serve: Serve) -> None:
    call = api.invoke(function_url())
    serve(fails_at_once)
    await call.end()
    assert (call.resource, call.error_type) == ("error", "Function.ValueError")
    assert (call.json["errorType"], call.json["errorMessage"]) == ("ValueError", "before the first byte")
    assert "in fails_at_once" in call.json["stackTrace"][-1]
    assert call.json["requestId"] == call.id


async def test_failure_has_x_ray_cause(api: RuntimeApi, serve: Serve) -> None:
    call = api.invoke(function_url())
    serve(fails_at_once)
    await call.end()
    cause = json.loads(call.headers["lambda-runtime-function-xray-error-cause"])
    assert cause["exceptions"][0]["type"] == "ValueError"


async def test_failure_after_first_byte_sends_trailers(api: RuntimeApi, serve: Serve) -> None:
    call = api.invoke(function_url())
    serve(fails_after_a_piece)
    await call.end()
    assert (call.resource, call.content, call.error_type) == ("response", b"half", "Function.ValueError")
    assert call.trailing_error["errorMessage"] == "after the first byte"


@pytest.mark.parametrize("app", [fails_at_once, fails_after_a_piece, returns_without_a_word, stops_half_way])
async def test_failure_is_logged_with_stack(
    api: RuntimeApi, serve: Serve, app: object, caplog: pytest.LogCaptureFixture
) -> None:
    call = api.invoke(function_url())
    serve(app)
    await call.end()
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.exc_info


async def test_return_without_response_is_failure(api: RuntimeApi, serve: Serve) -> None:
    call = api.invoke(function_url())
    serve(returns_without_a_word)
    assert (await call.end()).resource == "error"
    assert call.json["errorMessage"] == "the app returned without starting its response"


async def test_return_within_response_is_failure(api: RuntimeApi, serve: Serve) -> None:
    call = api.invoke(function_url())
    serve(stops_half_way)
    assert (await call.end()).error_type == "Function.IncompleteResponse"


async def test_message_out_of_order_is_failure(api: RuntimeApi, serve: Serve) -> None:
    @http
    async def app(send: Send) -> None:
        await piece(send, b"no start")

    call = api.invoke(function_url())
    serve(app)
    assert (await call.end()).json["errorType"] == "Function.UnexpectedMessage"


async def test_message_without_fields_is_failure(api: RuntimeApi, serve: Serve) -> None:
    @http
    async def app(send: Send) -> None:
        await send({"type": "http.response.start"})

    call = api.invoke(function_url())
    serve(app)
    assert (await call.end()).error_type == "Function.KeyError"


async def test_app_that_cancels_itself_is_failure(api: RuntimeApi, serve: Serve) -> None:
    @http
    async def app(send: Send) -> None:
        del send
        raise asyncio.CancelledError

    call = api.invoke(function_url())
    serve(app)
    assert (await call.end()).error_type == "Function.CancelledError"


async def test_headers_over_16_kib_are_error(api: RuntimeApi, serve: Serve) -> None:
    @http
    async def app(send: Send) -> None:
        await start(send, 200, ((b"x-large", b"v" * 17_000),))

    call = api.invoke(function_url())
    serve(app)
    assert (await call.end()).json["errorType"] == "Function.PreludeTooLarge"
    assert "16376" in call.json["errorMessage"]


async def test_long_message_fits_into_trailers(api: RuntimeApi, serve: Serve) -> None:
    @http
    async def app(send: Send) -> None:
        await start(send)
        raise ValueError("long " * 5000)

    call = api.invoke(function_url())
    serve(app)
    await call.end()
    assert call.trailing_error["errorMessage"].startswith("long long")


async def test_error_page_of_framework_is_sent(api: RuntimeApi, serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()

    @app.get("/")
    async def fail() -> None:
        raise ValueError("raised again after the page")

    call = api.invoke(function_url())
    serve(app)
    await call.end()
    assert (call.resource, call.prelude["statusCode"], call.trailers) == ("response", 500, {})
    await api.polled(2)
    assert "raised again after the page" in caplog.text


async def test_failing_background_task_is_only_logged(
    api: RuntimeApi, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise ValueError("in the background")

    call = api.invoke(function_url())
    serve(Response("ok", background=BackgroundTask(fail)))
    assert ((await call.end()).content, call.trailers) == (b"ok", {})
    await api.polled(2)
    assert "in the background" in caplog.text


@pytest.mark.parametrize("event", [{"Records": []}, {"warmup": False}, [], 7, None, b"not JSON", b'"\xff"', b""])
async def test_non_http_event_is_error(api: RuntimeApi, serve: Serve, event: object) -> None:
    refused, next_one = api.invoke(event), api.invoke(function_url())
    serve(hello)
    assert (await refused.end()).error_type == "Function.UnsupportedEvent"
    assert "HTTP requests" in refused.json["errorMessage"]
    assert (await next_one.end()).content == b"hello"


@pytest.mark.parametrize("app", [fails_at_once, fails_after_a_piece, returns_without_a_word, stops_half_way])
async def test_process_survives_failure(api: RuntimeApi, serve: Serve, app: object) -> None:
    calls = [api.invoke(function_url()) for _ in range(3)]
    serve(app)
    for call in calls:
        await call.end()
    await api.polled(4)
    assert api.connections == 1


async def test_failure_leaves_other_invocations_alone(api: RuntimeApi, serve: Serve) -> None:
    failed = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/fails":
            failed.set()
            await fails_at_once(scope, receive, send)
        await failed.wait()
        await hello(scope, receive, send)

    slow, failing = api.invoke(function_url("/slow")), api.invoke(function_url("/fails"))
    serve(app, AWS_LAMBDA_MAX_CONCURRENCY="2")
    assert (await failing.end()).resource == "error"
    assert (await slow.end()).content == b"hello"


async def test_log_line_names_invocation(api: RuntimeApi, serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    call = api.invoke(function_url(), headers={"Lambda-Runtime-Trace-Id": "Root=1"})
    serve(fails_at_once)
    await call.end()
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert (vars(record)["request_id"], vars(record)["trace_id"]) == (call.id, "Root=1")


def raises_at_the_call(scope: Scope, receive: Receive, send: Send) -> None:
    """An app may be a plain function that returns an awaitable; middleware often is."""
    del scope, receive, send
    raise ValueError("at the call")


@http
async def exits(send: Send) -> None:
    del send
    sys.exit(3)


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


@http
async def fails_unspeakably(send: Send) -> None:
    del send
    raise UnspeakableError


@http
async def fails_at_great_length(send: Send) -> None:
    del send
    raise ValueError("x" * 10_000_000)


@pytest.mark.parametrize(
    ("app", "error_type"),
    [
        (raises_at_the_call, "Function.ValueError"),
        (exits, "Function.AppExit"),
        (fails_unspeakably, "Function.UnspeakableError"),
        (fails_at_great_length, "Function.ValueError"),
    ],
)
async def test_any_odd_failure_is_reported(api: RuntimeApi, serve: Serve, app: ASGI, error_type: str) -> None:
    odd, next_one = api.invoke(function_url("/odd")), api.invoke(function_url())

    def either(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return (app if scope.get("path") == "/odd" else hello)(scope, receive, send)

    serve(either)
    assert ((await odd.end()).error_type, len(odd.body) < 1_000_000) == (error_type, True)
    assert (await next_one.end()).content == b"hello"


async def test_failing_log_keeps_report(api: RuntimeApi, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_a_user(_: logging.LogRecord) -> bool:
        raise LookupError("there is a user in a request only")

    monkeypatch.setattr(logging.getLogger("rivulet.handler"), "filters", [without_a_user])
    failed, next_one = api.invoke(function_url()), api.invoke({"Records": []})
    serve(fails_at_once)
    assert (await failed.end()).error_type == "Function.ValueError"
    assert (await next_one.end()).error_type == "Function.UnsupportedEvent"


async def test_app_may_return_any_awaitable(api: RuntimeApi, serve: Serve) -> None:
    call = api.invoke(function_url())
    serve(lambda *arguments: asyncio.ensure_future(hello(*arguments)))
    assert (await call.end()).content == b"hello"
