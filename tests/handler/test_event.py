"""Events that no HTTP source of AWS has sent."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from handler.bridge import Bridge, HttpRequest
from handler.environment import Environment, LambdaContext
from handler.protocol import Invocation
from tests.handler.events import Event, function_url, http_api, load_balancer, rest_api, version_1

CONTEXT = LambdaContext.of(Invocation("r1"), Environment())
SOURCES = {
    "function url": function_url("/a", cookies=["x=1"], queryStringParameters={"q": "1"}, body="b"),
    "http api": http_api("/v1/a", stage="v1"),
    "http api, version 1": version_1("/v1/a", stage="v1"),
    "rest api": rest_api(
        "/a", queryStringParameters={"q": "1"}, multiValueQueryStringParameters={"q": ["1", "2"]}, stageVariables={}
    ),
    "load balancer": load_balancer("/a", queryStringParameters={"q": "1"}),
    "load balancer, multi-value": load_balancer("/a", headers=None, multiValueHeaders={"host": ["lb"]}),
}
METHODS = {("httpMethod",), ("requestContext", "http"), ("requestContext", "http", "method")}
"""The members without which an event is not a request."""


def members(event: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yields the path of every member, at every level."""
    items = event.items() if isinstance(event, dict) else enumerate(event) if isinstance(event, list) else ()
    for name, value in items:
        yield (*path, name)
        yield from members(value, (*path, name))


def changed(event: Event, path: tuple[Any, ...], *, absent: bool = False, value: object = None) -> Event:
    event = copy.deepcopy(event)
    *parents, name = path
    holder: Any = event
    for parent in parents:
        holder = holder[parent]
    if absent:
        del holder[name]
    else:
        holder[name] = value
    return event


def optional(event: Event) -> list[tuple[Any, ...]]:
    is_version_2 = "http" in event["requestContext"]
    return [
        path for path in members(event) if path not in METHODS and not (is_version_2 and path == ("requestContext",))
    ]


CASES = [(source, path) for source, event in SOURCES.items() for path in optional(event)]


@pytest.mark.parametrize(("source", "path"), CASES)
@pytest.mark.parametrize("absent", [True, False])
def test_no_other_member_decides_that_event_is_http(
    bridge: Bridge, source: str, path: tuple[Any, ...], *, absent: bool
) -> None:
    request = bridge.request(changed(SOURCES[source], path, absent=absent), CONTEXT)
    assert request.scope["method"] == "GET"
    assert b"None" not in request.scope["query_string"]
    assert all(isinstance(value, bytes) for header in request.scope["headers"] for value in header)
    assert request.whole({"status": 204, "headers": [], "body": b""})["statusCode"] == 204


@pytest.mark.parametrize("value", [7, True, "", "x", [], ["x", None], {}, {"x": {"y": None}}, "\ud800", "9" * 5000])
@pytest.mark.parametrize(("source", "path"), CASES)
def test_no_value_of_another_member_makes_request_unreadable(
    bridge: Bridge, source: str, path: tuple[Any, ...], value: object
) -> None:
    assert bridge.request(changed(SOURCES[source], path, value=value), CONTEXT).scope["method"] == "GET"


def request(bridge: Bridge, event: Event) -> HttpRequest:
    return bridge.request(event, CONTEXT)


@pytest.mark.parametrize(
    ("event", "query"),
    [
        (function_url(query="x=1") | {"rawQueryString": None}, b""),
        (function_url() | {"rawQueryString": None, "queryStringParameters": {"x": "1 2", "y": None}}, b"x=1+2&y="),
        (rest_api(queryStringParameters={"x": None}), b"x="),
        (rest_api(queryStringParameters={"x": "1"}, multiValueQueryStringParameters={"x": None}), b"x=1"),
        (rest_api(queryStringParameters={"x": "1"}, multiValueQueryStringParameters={}), b"x=1"),
        (rest_api(multiValueQueryStringParameters={"x": [None, "1"]}), b"x=1"),
        (load_balancer(queryStringParameters={"x": None, "y": "%26"}), b"x=&y=%26"),
        (load_balancer(queryStringParameters=None, multiValueQueryStringParameters={"x": [None]}), b"x="),
        (load_balancer(queryStringParameters={"x": "1"}, multiValueQueryStringParameters=None), b"x=1"),
    ],
)
def test_a_parameter_without_a_value_is_empty(bridge: Bridge, event: Event, query: bytes) -> None:
    assert request(bridge, event).scope["query_string"] == query


@pytest.mark.parametrize(
    "event",
    [
        function_url(headers={"X-Tag": "a, b", "x-none": None}),
        rest_api(headers={"X-Tag": "b"}, multiValueHeaders={"x-tag": ["a", None, "b"], "x-none": None}),
        rest_api(headers={"X-Tag": "a, b"}, multiValueHeaders={"x-tag": None}),
        version_1("/", stage="v1") | {"headers": {"x-tag": "a, b"}, "multiValueHeaders": None},
        load_balancer(headers={"x-tag": ["a", "b"], "x-none": [None]}),
        load_balancer(headers={}, multiValueHeaders={"x-tag": ["a", "b"]}),
    ],
)
def test_a_header_without_a_value_is_none(bridge: Bridge, event: Event) -> None:
    assert request(bridge, event).scope["headers"] == [[b"x-tag", b"a, b"]]


def test_cookies_of_several_lines_are_one_header(bridge: Bridge) -> None:
    event = rest_api(multiValueHeaders={"Cookie": ["a=1", "b=2"]}, headers=None)
    assert request(bridge, event).scope["headers"] == [[b"cookie", b"a=1; b=2"]]


@pytest.mark.parametrize(
    ("event", "client"),
    [
        (load_balancer(headers={"x-forwarded-for": "10.9.9.9, 203.0.113.7"}), ("203.0.113.7", 0)),
        (load_balancer(headers=None), None),
        (rest_api(requestContext={"identity": None}), None),
        (rest_api(requestContext=None), None),
    ],
)
def test_the_client_is_who_the_front_door_saw(bridge: Bridge, event: Event, client: object) -> None:
    assert request(bridge, event).scope["client"] == client


@pytest.mark.parametrize(
    ("body", "is_base64", "found"),
    [
        (None, None, b""),
        (None, True, b""),
        ("A", True, b"A"),
        ("Z\u00fcrich", True, "Z\u00fcrich".encode()),
        ("eA==", "true", b"x"),
        ("eA==", None, b"eA=="),
        ({"message": "x"}, False, b'{"message": "x"}'),
        ("\ud800", False, b"?"),
    ],
)
@pytest.mark.parametrize("source", SOURCES)
def test_a_body_of_any_form_arrives(bridge: Bridge, source: str, body: object, is_base64: object, found: bytes) -> None:
    event = SOURCES[source] | {"body": body, "isBase64Encoded": is_base64}
    assert request(bridge, event).body == found


@pytest.mark.parametrize(
    ("headers", "multi", "is_multi"),
    [
        ({"host": "lb"}, None, False),
        ({"host": "lb"}, {}, False),
        (None, {"host": ["lb"]}, True),
        ({}, {"host": ["lb"]}, True),
        (None, {}, True),
        (None, None, False),
    ],
)
def test_load_balancer_gets_headers_in_form_it_sent(
    bridge: Bridge, headers: object, multi: object, *, is_multi: bool
) -> None:
    found = request(bridge, load_balancer(headers=headers, multiValueHeaders=multi))
    form = found.whole({"status": 200, "headers": [], "body": b""})
    assert ("multiValueHeaders" in form, "headers" in form) == (is_multi, not is_multi)


@pytest.mark.parametrize(
    "event", [{"httpMethod": "get"}, function_url(method="get"), {"httpMethod": "GET", "path": ""}]
)
def test_method_is_in_upper_case_and_path_absolute(bridge: Bridge, event: Event) -> None:
    scope = request(bridge, event).scope
    assert (scope["method"], scope["path"]) == ("GET", "/")
