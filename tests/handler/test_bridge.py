"""Events as ASGI requests."""

import json
from typing import Any

import pytest
from mangum import Mangum

from handler.bridge import HttpRequest, extend, translate
from handler.environment import Environment, LambdaContext
from handler.errors import UnsupportedEventError
from handler.protocol import Invocation
from tests.handler.events import Event, function_url, http_api, load_balancer, rest_api

INVOCATION = Invocation("r1", deadline=4e9, trace_id="Root=1")


def request(mangum: Mangum, event: object) -> HttpRequest:
    return translate(mangum, json.dumps(event).encode(), LambdaContext.of(INVOCATION, Environment()))


@pytest.mark.parametrize("event", [function_url("/a b", query="x=1&x=2"), rest_api("/a%20b")])
def test_path_and_method_are_those_of_the_request(mangum: Mangum, event: Event) -> None:
    scope = request(mangum, event).scope
    assert (scope["method"], scope["path"].removeprefix(scope["root_path"])) == ("GET", "/a b")


def test_the_query_is_as_it_was_sent(mangum: Mangum) -> None:
    assert request(mangum, function_url(query="x=1&x=%C3%BC")).scope["query_string"] == b"x=1&x=%C3%BC"


def test_a_repeated_query_parameter_of_a_rest_api_comes_through(mangum: Mangum) -> None:
    event = rest_api(multiValueQueryStringParameters={"x": ["1", "ü"]})
    assert request(mangum, event).scope["query_string"] == b"x=1&x=%C3%BC"


def test_a_base64_body_is_decoded(mangum: Mangum) -> None:
    event = function_url("/", "POST", body="AAH/", isBase64Encoded=True)
    assert request(mangum, event).body == b"\x00\x01\xff"


def test_cookies_come_as_one_header(mangum: Mangum) -> None:
    event = function_url(cookies=["a=1", "b=2"])
    assert [b"cookie", b"a=1; b=2"] in request(mangum, event).scope["headers"]


@pytest.mark.parametrize(
    ("event", "root_path", "path"),
    [
        (function_url("/chat"), "", "/chat"),
        (http_api("/chat", stage="$default"), "", "/chat"),
        (http_api("/v1/chat", stage="v1"), "/v1", "/v1/chat"),
        (http_api("/v1", stage="v1"), "/v1", "/v1"),
        (http_api("/v1beta/chat", stage="v1"), "", "/v1beta/chat"),
        (http_api("/api/chat", stage="api", domain="chat.example.com"), "", "/api/chat"),
        (rest_api("/chat", stage="Prod"), "/Prod", "/Prod/chat"),
        (rest_api("/chat", requestContext={"path": "/chat", "stage": "Prod"}), "", "/chat"),
        (rest_api("/chat", requestContext={"path": "/{proxy+}", "stage": "Prod"}), "", "/chat"),
        (load_balancer("/chat"), "", "/chat"),
    ],
)
def test_a_stage_before_the_path_is_the_root_path(mangum: Mangum, event: Event, root_path: str, path: str) -> None:
    scope = request(mangum, event).scope
    assert (scope["root_path"], scope["path"]) == (root_path, path)


@pytest.mark.parametrize(
    ("event", "streamable"), [(function_url(), True), (rest_api(), True), (load_balancer(), False)]
)
def test_a_load_balancer_takes_no_stream(mangum: Mangum, event: Event, *, streamable: bool) -> None:
    assert request(mangum, event).streamable is streamable


@pytest.mark.parametrize(
    "event",
    [
        {},
        [],
        None,
        3,
        "requestContext",
        {"source": "aws.events", "detail-type": "Scheduled Event"},
        {"Records": []},
        {"Records": [{"eventSource": "aws:sqs", "body": "x"}]},
        {"Records": [{"cf": {"request": {}}}]},
        {"version": "2.0", "requestContext": {}},
        {"version": "2.0", "requestContext": None},
        {"requestContext": {"connectionId": "x", "routeKey": "$connect"}},
        function_url(headers=None),
        function_url(body="A", isBase64Encoded=True),
    ],
)
def test_what_is_no_http_request_is_refused(mangum: Mangum, event: object) -> None:
    with pytest.raises(UnsupportedEventError, match=r"Function URL.*REST or HTTP API.*Load Balancer"):
        request(mangum, event)


@pytest.mark.parametrize("event", [b"", b"no JSON", b'"\xff"', b"[" * 100_000])
def test_what_is_no_json_is_refused(mangum: Mangum, event: bytes) -> None:
    with pytest.raises(UnsupportedEventError):
        translate(mangum, event, LambdaContext.of(INVOCATION, Environment()))


def extended(state: dict[str, Any]) -> dict[str, Any]:
    scope: dict[str, Any] = {"asgi": {"version": "3.0", "spec_version": "2.0"}}
    extend(scope, INVOCATION, state)
    return scope


def test_the_scope_is_of_asgi_2_4() -> None:
    assert extended({})["asgi"] == {"version": "3.0", "spec_version": "2.4"}


def test_the_invocation_is_an_extension_of_the_scope() -> None:
    known = {"request_id": "r1", "trace_id": "Root=1", "deadline": 4e9}
    assert extended({})["extensions"] == {"rivulet.invocation": known}


def test_each_request_has_a_copy_of_the_state() -> None:
    state = {"client": object()}
    scope = extended(state)
    assert scope["state"] == state
    assert scope["state"] is not state
