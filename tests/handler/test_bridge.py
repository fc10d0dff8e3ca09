"""Events as ASGI requests."""

from typing import Any

import pytest

from handler.bridge import Bridge, HttpRequest, extend
from handler.environment import Environment, LambdaContext
from handler.errors import UnsupportedEventError
from handler.protocol import Invocation
from tests.handler.apps import hello
from tests.handler.events import Event, function_url, http_api, load_balancer, rest_api, version_1


def without_domain(event: Event) -> Event:
    """An emulator's event: the name is only in the Host header."""
    headers = {"host": event["requestContext"]["domainName"]}
    return event | {"headers": headers, "requestContext": event["requestContext"] | {"domainName": None}}


INVOCATION = Invocation("r1", deadline=4e9, trace_id="Root=1")


def request(bridge: Bridge, event: object) -> HttpRequest:
    return bridge.request(event, LambdaContext.of(INVOCATION, Environment()))


@pytest.mark.parametrize("event", [function_url("/a b", query="x=1&x=2"), rest_api("/a%20b")])
def test_scope_has_path_and_method(bridge: Bridge, event: Event) -> None:
    scope = request(bridge, event).scope
    assert (scope["method"], scope["path"].removeprefix(scope["root_path"])) == ("GET", "/a b")


def test_query_is_unchanged(bridge: Bridge) -> None:
    assert request(bridge, function_url(query="x=1&x=%C3%BC")).scope["query_string"] == b"x=1&x=%C3%BC"


def test_repeated_query_parameter_is_kept(bridge: Bridge) -> None:
    event = rest_api(multiValueQueryStringParameters={"x": ["1", "ü"]})
    assert request(bridge, event).scope["query_string"] == b"x=1&x=%C3%BC"


def test_base64_body_is_decoded(bridge: Bridge) -> None:
    event = function_url("/", "POST", body="AAH/", isBase64Encoded=True)
    assert request(bridge, event).body == b"\x00\x01\xff"


def test_cookies_are_one_header(bridge: Bridge) -> None:
    event = function_url(cookies=["a=1", "b=2"])
    assert [b"cookie", b"a=1; b=2"] in request(bridge, event).scope["headers"]


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
        (rest_api("/", requestContext={"path": "/Prod", "stage": "Prod"}), "/Prod", "/Prod"),
        (rest_api("/a b", requestContext={"path": "/Prod/a%20b", "stage": "Prod"}), "/Prod", "/Prod/a b"),
        (version_1("/v1/chat", stage="v1"), "/v1", "/v1/chat"),
        (version_1("/v1", stage="v1"), "/v1", "/v1"),
        (version_1("/chat", stage="$default"), "", "/chat"),
        (version_1("/v1/chat", stage="v1", domain="chat.example.com"), "", "/v1/chat"),
        (without_domain(http_api("/v1/chat", stage="v1")), "/v1", "/v1/chat"),
        (load_balancer("/chat"), "", "/chat"),
    ],
)
def test_stage_becomes_root_path(bridge: Bridge, event: Event, root_path: str, path: str) -> None:
    scope = request(bridge, event).scope
    assert (scope["root_path"], scope["path"]) == (root_path, path)


OWN = "chat.example.com"


@pytest.mark.parametrize(
    ("event", "root_path", "path"),
    [
        (function_url("/bots/chat"), "/bots", "/bots/chat"),
        (function_url("/bots"), "/bots", "/bots"),
        (function_url("/botsy/chat"), "", "/botsy/chat"),
        (function_url("/chat"), "", "/chat"),
        (load_balancer("/bots/chat"), "/bots", "/bots/chat"),
        (http_api("/bots/chat", stage="$default", domain=OWN), "/bots", "/bots/chat"),
        (http_api("/bots/chat", stage="bots", domain=OWN), "/bots", "/bots/chat"),
        (version_1("/bots/chat", stage="v1", domain=OWN), "/bots", "/bots/chat"),
        (rest_api("/bots/chat", requestContext={"path": "/bots/chat", "stage": "Prod"}), "/bots", "/bots/chat"),
        # the base path follows the stage
        (http_api("/v1/bots/chat", stage="v1"), "/v1/bots", "/v1/bots/chat"),
        (rest_api("/bots/chat", stage="Prod"), "/Prod/bots", "/Prod/bots/chat"),
        (http_api("/v1/chat", stage="v1"), "/v1", "/v1/chat"),
        # a base path equal to the stage is one prefix, not two
        (http_api("/bots/chat", stage="bots"), "/bots", "/bots/chat"),
        (rest_api("/chat", stage="bots"), "/bots", "/bots/chat"),
    ],
)
def test_the_base_path_is_the_root_path(bridge: Bridge, event: Event, root_path: str, path: str) -> None:
    del bridge  # it has created the event loop that Mangum needs
    scope = request(Bridge(hello, "/bots"), event).scope
    assert (scope["root_path"], scope["path"]) == (root_path, path)


class Queue:
    """A handler with Mangum's protocol for a source that Mangum does not know."""

    def __init__(self, event: Any, context: object, config: object) -> None:
        del context, config
        self.scope = {"type": "http", "method": "POST", "path": "/queue", "headers": []}
        self.body = event["Records"][0]["body"].encode()

    @classmethod
    def infer(cls, event: Any, context: object, config: object) -> bool:
        del context, config
        return isinstance(event, dict) and "Records" in event

    def __call__(self, response: object) -> dict[str, Any]:
        return {"response": response}


def test_custom_handler_reads_events_before_others(bridge: Bridge) -> None:
    del bridge
    custom = Bridge(hello, custom_handlers=[Queue])
    found = request(custom, {"Records": [{"body": "x"}]})
    assert (found.scope["path"], found.body, found.streamable) == ("/queue", b"x", False)
    assert request(custom, function_url("/chat")).scope["path"] == "/chat"


@pytest.mark.parametrize(
    ("event", "streamable"), [(function_url(), True), (rest_api(), True), (load_balancer(), False)]
)
def test_load_balancer_is_not_streamable(bridge: Bridge, event: Event, *, streamable: bool) -> None:
    assert request(bridge, event).streamable is streamable


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
        {"version": "2.0", "method": "GET", "path": "/", "requestContext": {"serviceArn": "x"}},
        {"httpMethod": None, "path": "/", "resource": "/", "requestContext": {}},
    ],
)
def test_non_http_event_raises(bridge: Bridge, event: object) -> None:
    with pytest.raises(UnsupportedEventError, match=r"Function URL.*REST or HTTP API.*Load Balancer"):
        request(bridge, event)


def extended(state: dict[str, Any]) -> dict[str, Any]:
    scope: dict[str, Any] = {"asgi": {"version": "3.0", "spec_version": "2.0"}}
    extend(scope, INVOCATION, state)
    return scope


def test_scope_names_asgi_2_4() -> None:
    assert extended({})["asgi"] == {"version": "3.0", "spec_version": "2.4"}


def test_scope_has_invocation_extension() -> None:
    known = {"request_id": "r1", "trace_id": "Root=1", "deadline": 4e9}
    assert extended({})["extensions"] == {"rivulet.invocation": known}


def test_each_request_has_own_state() -> None:
    state = {"client": object()}
    scope = extended(state)
    assert scope["state"] == state
    assert scope["state"] is not state
