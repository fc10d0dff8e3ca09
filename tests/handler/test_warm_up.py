"""Warm-up pings: answered without the app."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from mangum.types import ASGI, Receive, Scope, Send
from starlette.responses import PlainTextResponse

from handler.warm_up import is_ping
from tests.fakes.runtime_api import RuntimeApi
from tests.handler.apps import hello, http
from tests.handler.conftest import Serve
from tests.handler.events import function_url, load_balancer, rest_api

PINGS = [
    {},
    {"warmup": True},
    {"ping": True, "warmer": True},
    {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}, "resources": ["rule"]},
    {"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": "{}"},
    {"source": "serverless-plugin-warmup"},
]

SCHEDULED = {
    "version": "0",
    "id": "0",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "111122223333",
    "time": "2026-11-25T00:00:00Z",
    "region": "eu-central-1",
    "resources": ["arn:aws:events:eu-central-1:111122223333:rule/w"],
    "detail": {},
}

WARMERS: list[object] = [
    *PINGS,
    SCHEDULED,
    SCHEDULED | {"source": "warmer", "detail-type": "warmup", "resources": []},
    {"warmer": True, "concurrency": 3},
    {"warmer": True, "concurrency": 1, "__WARMER_INVOCATION__": 2, "__WARMER_CONCURRENCY__": 3},
    {"warmer": True, "__WARMER_CORRELATIONID__": "5f2", "delay": 75, "test": False, "target": "prod"},
    {"source": "serverless-plugin-warmup", "isWarmup": True},
    {"type": "warmer", "warmerId": "w", "index": 0, "concurrency": 1, "delay": 75},
    {"action": "warm-up", "max_concurrency": 2},
    *({name: True} for name in ("isWarmup", "is_warm_up", "keep-warm", "keepWarm", "KEEP_WARM", "prewarm", "warm")),
    *({name: True} for name in ("lambdaWarmer", "warmupRequest", "warming", "keepAlive", "serverless-warmer")),
    *({"warmup": value} for value in ("true", "TRUE", "yes", "1", 1, "warmup")),
    {"warmup": True, "delayMs": 50, "instances": 2, "timestamp": 1795564800, "correlationId": None},
    "warmup",
]


@http
async def fails(send: Send) -> None:
    del send
    raise AssertionError("the app has no part in it")


def late(warm_up: Callable[[], Awaitable[None]]) -> ASGI:
    """Returns an app that sets this in its lifespan's state, and accepts no request."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "lifespan"
        scope["state"]["warm_up"] = warm_up
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    return app


@pytest.mark.parametrize("event", WARMERS)
def test_what_only_names_itself_warmer_is_ping(event: object) -> None:
    assert is_ping(event)


@pytest.mark.parametrize("event", PINGS)
async def test_ping_gets_json_without_app(api: RuntimeApi, serve: Serve, event: object) -> None:
    call = api.invoke(event)
    serve(fails)
    await call.end()
    assert (call.resource, call.json) == ("response", {"statusCode": 200, "status": "ok"})


async def test_ping_warms_up_app(api: RuntimeApi, serve: Serve) -> None:
    answered, warmed_up = asyncio.Event(), asyncio.Event()

    async def warm_up() -> None:
        await answered.wait()
        warmed_up.set()

    call = api.invoke({})
    serve(late(warm_up))
    await call.end()
    assert (call.resource, api.polls) == ("response", 1)
    answered.set()
    await api.polled(2)
    assert warmed_up.is_set()


async def breaks() -> None:
    raise ImportError("no such module")


async def cancels_itself() -> None:
    raise asyncio.CancelledError


async def will_not_stop() -> None:
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    await asyncio.Event().wait()


@pytest.mark.parametrize("warm_up", [breaks, cancels_itself, asyncio.Event().wait, will_not_stop])
async def test_failed_warm_up_is_logged(
    api: RuntimeApi, serve: Serve, caplog: pytest.LogCaptureFixture, warm_up: Callable[[], Awaitable[None]]
) -> None:
    call = api.invoke({}, deadline=0.4)
    serve(late(warm_up))
    await api.polled(2)
    assert call.resource == "response"
    assert "warm-up of the app failed" in caplog.text


DENIALS: list[object] = [False, "false", "no", 0, None, "", "http://example.com", 7, {}, ["true"]]


@pytest.mark.parametrize(
    "event",
    [
        *({"warmup": value} for value in DENIALS),
        {"warmup": True, "warmer": False},
        {"warmup": True, "order": 7},
        {"warmup": True, "detail": {"order": 7}},
        {"warmup": True, "requestContext": {}},
        {"message": "warmup"},
        {"concurrency": 3},
        {"type": "warmer", "message": "hello"},
        {"source": "warm-water", "detail": {}},
        {"type": "shipping"},
        {"typing": True, "swarm": True},
        {"warm" * 100: True},
        {"Records": []},
        {"Records": [{"eventSource": "aws:sqs", "body": '{"warmup": true}'}]},
        {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "warmup"}}]},
        {"Records": [{"eventSource": "aws:s3", "s3": {"object": {"key": "warmup"}}}]},
        {"source": "aws.s3", "detail-type": "Object Created"},
        SCHEDULED | {"detail-type": "EC2 Instance State-change Notification"},
        {"source": ["aws.events"]},
        {"key1": "value1", "key2": "value2"},
        [],
        [{}],
        None,
        True,
        0,
        "",
        "hello",
    ],
)
def test_work_event_is_no_ping(event: object) -> None:
    assert not is_ping(event)


@pytest.mark.parametrize("source", [function_url("/"), rest_api("/"), load_balancer("/")])
@pytest.mark.parametrize("mark", [{"warmup": True}, {"source": "aws.events"}, {"type": "warmer"}])
async def test_an_http_event_is_never_a_ping(
    api: RuntimeApi, serve: Serve, source: dict[str, object], mark: dict[str, object]
) -> None:
    call = api.invoke(source | mark)
    serve(PlainTextResponse("hello"), RESPONSE_MODE="buffered")
    assert (await call.end()).json["body"] == "hello"


@pytest.mark.parametrize("event", [b"", b"no JSON", b"\xff", b"[" * 100_000, b'{"Records": []}', b'{"warmup": false}'])
async def test_other_documents_are_unsupported(api: RuntimeApi, serve: Serve, event: bytes) -> None:
    call = api.invoke(event)
    serve(hello)
    assert (await call.end()).resource == "error"
    assert call.json["errorType"] == "Function.UnsupportedEvent"
