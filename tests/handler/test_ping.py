"""Warm-up pings: answered without the app."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from mangum.types import ASGI, Receive, Scope, Send

from handler.ping import answer_to
from tests.fakes.runtime_api import RuntimeApi
from tests.handler.apps import http
from tests.handler.conftest import Serve

PINGS = [
    {},
    {"warmup": True},
    {"ping": True, "warmer": True},
    {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}, "resources": ["rule"]},
    {"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": "{}"},
    {"source": "serverless-plugin-warmup"},
]


@http
async def fails(send: Send) -> None:
    del send
    raise AssertionError("the app has no part in it")


def late(warm_up: Callable[[], Awaitable[None]]) -> ASGI:
    """An app that leaves this in its lifespan's state, and takes no request."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "lifespan"
        scope["state"]["warm_up"] = warm_up
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    return app


@pytest.mark.parametrize("event", PINGS)
async def test_a_ping_is_answered_in_json_without_the_app(api: RuntimeApi, serve: Serve, event: object) -> None:
    call = api.invoke(event)
    serve(fails)
    await call.end()
    assert (call.resource, call.json) == ("response", {"statusCode": 200, "status": "ok"})


async def test_an_app_that_is_not_ready_is_warmed_up_behind_the_answer(api: RuntimeApi, serve: Serve) -> None:
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
async def test_a_warm_up_that_does_not_succeed_is_told_and_the_next_event_is_asked_for(
    api: RuntimeApi, serve: Serve, caplog: pytest.LogCaptureFixture, warm_up: Callable[[], Awaitable[None]]
) -> None:
    call = api.invoke({}, deadline=0.4)
    serve(late(warm_up))
    await api.polled(2)
    assert call.resource == "response"
    assert "the app could not be warmed up" in caplog.text


@pytest.mark.parametrize(
    "event",
    [
        b'{"warmup": false}',
        b'{"warmup": "http://example.com"}',
        b'{"warmup": true, "order": 7}',
        b'{"Records": []}',
        b'{"source": "aws.s3", "detail-type": "Object Created"}',
        b'{"source": ["aws.events"]}',
        b"[]",
        b"[{}]",
        b"null",
        b"true",
        b"",
        b"no JSON",
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_what_wants_something_done_is_no_ping(event: bytes) -> None:
    assert answer_to(event) is None
