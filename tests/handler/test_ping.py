"""Warm-up pings: answered without the app."""

import pytest
from mangum.types import Send

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


@pytest.mark.parametrize("event", PINGS)
async def test_a_ping_is_answered_in_json_without_the_app(api: RuntimeApi, serve: Serve, event: object) -> None:
    call = api.invoke(event)
    serve(fails)
    await call.end()
    assert (call.resource, call.json) == ("response", {"statusCode": 200, "status": "ok"})


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
