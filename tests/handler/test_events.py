"""The four sources of HTTP requests over real sockets: the
app's scope, and the response.
"""

import base64
import json
from typing import Any

import pytest
from mangum.types import ASGI, Receive, Scope, Send

from tests.fakes.invocation import Call
from tests.fakes.runtime_api import RuntimeApi
from tests.handler.apps import hello, http, piece, start
from tests.handler.conftest import Serve
from tests.handler.events import Event, function_url, http_api, load_balancer, rest_api

BINARY = b"\x89PNG\r\n\x1a\n\x00\xff"


def multi_value(event: Event) -> Event:
    """The event of a target group with multi-value headers: it has no other headers."""
    event = {**event, "multiValueHeaders": {name: [value] for name, value in event["headers"].items()}}
    event["multiValueQueryStringParameters"] = {}
    return {name: value for name, value in event.items() if name not in {"headers", "queryStringParameters"}}


def on_own_domain(event: Event) -> Event:
    """A REST API's event with a custom domain, which hides the stage."""
    return event | {"requestContext": event["requestContext"] | {"path": event["path"]}}


SOURCES: dict[str, Event] = {
    "function url": function_url("/a"),
    "http api": http_api("/a", stage="$default"),
    "http api with a stage": http_api("/v1/a", stage="v1"),
    "rest api": rest_api("/a", stage="Prod"),
    "rest api with its own domain": on_own_domain(rest_api("/a")),
    "load balancer": load_balancer("/a"),
    "load balancer, multi-value": multi_value(load_balancer("/a")),
}
STREAMING = tuple(name for name in SOURCES if "balancer" not in name)
every_source = pytest.mark.parametrize("source", SOURCES)


def with_method(event: Event, method: str) -> Event:
    if "http" in event["requestContext"]:
        request = event["requestContext"]["http"] | {"method": method}
        return event | {"requestContext": event["requestContext"] | {"http": request}}
    return event | {"httpMethod": method}


def response_of(call: Call) -> tuple[int, dict[str, Any], bytes]:
    """Returns status, headers and body of any form: names
    are lower-case, values in lists.
    """
    if "lambda-runtime-function-response-mode" in call.headers:
        return call.prelude["statusCode"], _lists(call.prelude["headers"]), call.content
    body = call.json["body"]
    data = base64.b64decode(body) if call.json["isBase64Encoded"] else body.encode()
    return call.json["statusCode"], _lists(call.json.get("multiValueHeaders") or call.json.get("headers", {})), data


def _lists(headers: dict[str, Any]) -> dict[str, list[str]]:
    """A load balancer without multi-value headers allows each
    name once, so its case varies.
    """
    lists: dict[str, list[str]] = {}
    for name, value in headers.items():
        lists.setdefault(name.lower(), []).extend(value if isinstance(value, list) else [value])
    return lists


class Spy:
    """An app that records its request, and returns its body."""

    def __init__(self) -> None:
        self.scope: Scope = {}
        self.body = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        self.scope, self.body = scope, (await receive())["body"]
        await start(send, 200, ((b"content-type", b"application/octet-stream"),))
        await piece(send, self.body, more=False)

    @property
    def path(self) -> str:
        """The path that an application routes."""
        return str(self.scope["path"]).removeprefix(self.scope["root_path"])

    def header(self, name: bytes) -> list[bytes]:
        return [bytes(value) for key, value in self.scope["headers"] if bytes(key).lower() == name]


async def exchange(api: RuntimeApi, serve: Serve, event: Event, app: ASGI, **variables: str) -> Call:
    call = api.invoke(event)
    serve(app, **variables)
    return await call.end()


@every_source
async def test_each_source_is_answered(api: RuntimeApi, serve: Serve, source: str) -> None:
    call = await exchange(api, serve, SOURCES[source], hello)
    assert response_of(call)[::2] == (200, b"hello")


@every_source
async def test_streaming_source_gets_stream(api: RuntimeApi, serve: Serve, source: str) -> None:
    call = await exchange(api, serve, SOURCES[source], hello)
    assert ("lambda-runtime-function-response-mode" in call.headers) == (source in STREAMING)


@every_source
async def test_app_routes_path_without_stage(api: RuntimeApi, serve: Serve, source: str) -> None:
    spy = Spy()
    await exchange(api, serve, SOURCES[source], spy)
    assert spy.path == "/a"


@every_source
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_every_method_arrives(api: RuntimeApi, serve: Serve, source: str, method: str) -> None:
    spy = Spy()
    await exchange(api, serve, with_method(SOURCES[source], method), spy)
    assert spy.scope["method"] == method


@every_source
async def test_binary_bodies_survive_both_ways(api: RuntimeApi, serve: Serve, source: str) -> None:
    event = SOURCES[source] | {"body": base64.b64encode(BINARY).decode(), "isBase64Encoded": True}
    spy = Spy()
    call = await exchange(api, serve, with_method(event, "POST"), spy)
    assert (spy.body, response_of(call)[2]) == (BINARY, BINARY)


@every_source
async def test_text_body_arrives_as_utf_8(api: RuntimeApi, serve: Serve, source: str) -> None:
    spy = Spy()
    await exchange(api, serve, with_method(SOURCES[source] | {"body": "Zürich 🦀"}, "POST"), spy)
    assert spy.body.decode() == "Zürich 🦀"


@every_source
@pytest.mark.parametrize("mode", ["stream", "buffered"])
async def test_cookies_are_set_separately(api: RuntimeApi, serve: Serve, source: str, mode: str) -> None:
    @http
    async def app(send: Send) -> None:
        await start(send, 200, ((b"set-cookie", b"a=1; Path=/"), (b"set-cookie", b"b=2; Path=/")))
        await piece(send, b"", more=False)

    call = await exchange(api, serve, SOURCES[source], app, RESPONSE_MODE=mode)
    status, headers, _ = response_of(call)
    cookies = (call.prelude if source in STREAMING and mode == "stream" else call.json).get("cookies")
    cookies = cookies or headers.get("set-cookie") or []
    assert (status, sorted(cookies)) == (200, ["a=1; Path=/", "b=2; Path=/"])


@every_source
async def test_error_of_app_has_status(api: RuntimeApi, serve: Serve, source: str) -> None:
    @http
    async def app(send: Send) -> None:
        await start(send, 429, ((b"retry-after", b"7"),))
        await piece(send, b"slow down", more=False)

    status, headers, body = response_of(await exchange(api, serve, SOURCES[source], app))
    assert (status, headers["retry-after"], body) == (429, ["7"], b"slow down")


QUERIES: list[tuple[Event, bytes]] = [
    (function_url(query="x=1&x=%C3%BC&y="), b"x=1&x=%C3%BC&y="),
    (rest_api(multiValueQueryStringParameters={"x": ["1", "ü"], "y": [""]}), b"x=1&x=%C3%BC&y="),
    (rest_api(queryStringParameters=None, multiValueQueryStringParameters=None), b""),
    (load_balancer(queryStringParameters={"x": "%C3%BC", "y": "1%262"}), b"x=%C3%BC&y=1%262"),
    (
        multi_value(load_balancer()) | {"multiValueQueryStringParameters": {"x": ["1", "%C3%BC"]}},
        b"x=1&x=%C3%BC",
    ),
]


@pytest.mark.parametrize(("event", "query"), QUERIES)
async def test_query_arrives_unchanged(api: RuntimeApi, serve: Serve, event: Event, query: bytes) -> None:
    spy = Spy()
    await exchange(api, serve, event, spy)
    assert spy.scope["query_string"] == query


HEADERS: list[tuple[Event, list[bytes]]] = [
    (function_url(headers={"x-tag": "a,b"}), [b"a,b"]),
    (rest_api(multiValueHeaders={"X-Tag": ["a", "b"]}), [b"a", b"b"]),
    (load_balancer(headers={"x-tag": "b"}), [b"b"]),
    (multi_value(load_balancer()) | {"multiValueHeaders": {"x-tag": ["a", "b"]}}, [b"a", b"b"]),
]


@pytest.mark.parametrize(("event", "values"), HEADERS)
async def test_repeated_request_headers_arrive(
    api: RuntimeApi, serve: Serve, event: Event, values: list[bytes]
) -> None:
    spy = Spy()
    await exchange(api, serve, event, spy)
    assert b", ".join(spy.header(b"x-tag")) == b", ".join(values)


@every_source
async def test_client_address_arrives(api: RuntimeApi, serve: Serve, source: str) -> None:
    spy = Spy()
    await exchange(api, serve, SOURCES[source], spy)
    assert spy.scope["client"][0] == "203.0.113.7"


@every_source
async def test_non_ascii_header_is_returned(api: RuntimeApi, serve: Serve, source: str) -> None:
    @http
    async def app(send: Send) -> None:
        await start(send, 200, ((b"x-name", b"Z\xfcrich"),))
        await piece(send, b"", more=False)

    assert response_of(await exchange(api, serve, SOURCES[source], app))[1]["x-name"] == ["Zürich"]


@every_source
async def test_event_is_in_scope(api: RuntimeApi, serve: Serve, source: str) -> None:
    spy = Spy()
    await exchange(api, serve, SOURCES[source], spy)
    assert json.loads(json.dumps(spy.scope["aws.event"])) == SOURCES[source]
