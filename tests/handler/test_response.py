"""The send side as a state machine."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mangum.types import Message

from handler.bridge import Bridge, HttpRequest
from handler.environment import Environment, LambdaContext
from handler.errors import ContentLengthError, ErrorReport, PreludeTooLargeError, UnexpectedMessageError
from handler.protocol import DELIMITER, End, Invocation, Write
from handler.response import Response, response_to
from tests.handler.apps import hello, messages
from tests.handler.events import Event, function_url, load_balancer, rest_api

INVOCATION = Invocation("r1")
REPORT = ErrorReport("Function.ValueError", "ValueError", "no")
START, LAST = map(dict, messages())


def request(bridge: Bridge, event: Event) -> HttpRequest:
    return bridge.request(event, LambdaContext.of(INVOCATION, Environment()))


@pytest.fixture
def streamed(bridge: Bridge) -> Response:
    return response_to(INVOCATION, request(bridge, function_url()), buffered=False)


@pytest.fixture
def buffered(bridge: Bridge) -> Response:
    return response_to(INVOCATION, request(bridge, function_url()), buffered=True)


def written(response: Response, *sent: Message) -> list[Write]:
    return [write for message in sent for write in response.send(message)]


def whole(response: Response, *sent: Message) -> dict[str, Any]:
    """Returns the whole buffered response."""
    _, payload, _ = written(response, *sent)
    assert isinstance(payload, bytes)
    return dict(json.loads(payload))


def decoded(result: dict[str, Any]) -> bytes:
    """Returns the body of a buffered response, as the invoker reads it."""
    return base64.b64decode(result["body"]) if result["isBase64Encoded"] else str(result["body"]).encode()


def piece(data: bytes) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": True}


def test_start_writes_head_prelude_and_delimiter(streamed: Response) -> None:
    prelude = b'{"statusCode": 200, "headers": {}, "cookies": []}'
    assert streamed.send(START) == [INVOCATION.stream(), prelude, DELIMITER]


def test_pieces_are_chunks_last_ends_stream(streamed: Response) -> None:
    streamed.send(START)
    assert written(streamed, piece(b"a"), piece(b"b"), LAST) == [b"a", b"b", End()]
    assert streamed.complete


def test_last_message_with_body_writes_both(streamed: Response) -> None:
    streamed.send(START)
    assert streamed.send({"type": "http.response.body", "body": b"all"}) == [b"all", End()]


def test_empty_piece_writes_nothing(streamed: Response) -> None:
    streamed.send(START)
    assert streamed.send(piece(b"")) == []


@pytest.mark.parametrize("status", [204, 304])
def test_bodiless_status_drops_body(streamed: Response, status: int) -> None:
    streamed.send(START | {"status": status})
    assert written(streamed, piece(b"dropped"), LAST) == [End()]


def test_response_to_head_drops_body(bridge: Bridge) -> None:
    response = response_to(INVOCATION, request(bridge, function_url("/", "HEAD")), buffered=False)
    response.send(START)
    assert written(response, piece(b"dropped"), LAST) == [End()]


@pytest.mark.parametrize(
    "sent",
    [
        [piece(b"early")],
        [START, START],
        [START, LAST, piece(b"late")],
        [START, LAST, START],
        [{"type": "http.response.pathsend", "path": "/x"}],
        [{"type": "websocket.accept"}],
    ],
)
def test_message_out_of_order_raises(streamed: Response, sent: list[Message]) -> None:
    *before, last = sent
    written(streamed, *before)
    with pytest.raises(UnexpectedMessageError, match=str(last["type"])):
        streamed.send(last)


def declared(length: bytes) -> Message:
    return {**START, "headers": [(b"Content-Length", length)]}


@pytest.mark.parametrize("form", ["streamed", "buffered"])
@pytest.mark.parametrize(
    ("sent", "fault"),
    [([piece(b"abc"), piece(b"d")], "longer"), ([piece(b"abcd")], "longer"), ([piece(b"ab"), LAST], "shorter")],
)
def test_body_of_wrong_length_raises(
    form: str, request: pytest.FixtureRequest, sent: list[Message], fault: str
) -> None:
    response: Response = request.getfixturevalue(form)
    *before, last = [declared(b"3"), *sent]
    written(response, *before)
    with pytest.raises(ContentLengthError, match=fault):
        response.send(last)
    assert not response.complete


def test_body_of_announced_length_is_sent(streamed: Response) -> None:
    written(streamed, declared(b"3"), piece(b"ab"), piece(b"c"), LAST)
    assert streamed.complete


@pytest.mark.parametrize("length", [b"", b"-1", b"3, 3", b"many", "٣".encode()])
def test_invalid_content_length_raises_before_start(streamed: Response, length: bytes) -> None:
    with pytest.raises(ContentLengthError, match="not a number"):
        streamed.send(declared(length))
    assert streamed.fail(REPORT) == INVOCATION.error(REPORT)


def test_response_to_head_keeps_content_length(bridge: Bridge) -> None:
    response = response_to(INVOCATION, request(bridge, function_url("/", "HEAD")), buffered=False)
    written(response, declared(b"3"), LAST)
    assert response.complete


def test_invalid_start_keeps_state(streamed: Response) -> None:
    with pytest.raises(PreludeTooLargeError):
        streamed.send(START | {"headers": [(b"x", b"v" * 20_000)]})
    assert streamed.fail(REPORT) == INVOCATION.error(REPORT)


def test_failure_before_start_writes_error(streamed: Response) -> None:
    assert streamed.fail(REPORT) == INVOCATION.error(REPORT)
    assert streamed.complete


def test_failure_after_start_writes_trailers(streamed: Response) -> None:
    streamed.send(START)
    [end] = streamed.fail(REPORT)
    assert isinstance(end, End)
    body = dict(end.trailers)[b"Lambda-Runtime-Function-Error-Body"]
    assert json.loads(base64.b64decode(body))["errorMessage"] == "no"


@pytest.mark.parametrize("form", ["streamed", "buffered"])
def test_failure_after_end_writes_nothing(form: str, request: pytest.FixtureRequest) -> None:
    response: Response = request.getfixturevalue(form)
    written(response, START, LAST)
    assert response.fail(REPORT) == []


@pytest.mark.parametrize("sent", [[], [START], [START, piece(b"a")]])
def test_buffered_failure_always_writes_error(buffered: Response, sent: list[Message]) -> None:
    assert written(buffered, *sent) == []
    assert buffered.fail(REPORT) == INVOCATION.error(REPORT)


def test_buffered_text_is_plain(buffered: Response) -> None:
    start = START | {"headers": [(b"content-type", b"text/plain; charset=utf-8")]}
    result = whole(buffered, start, piece("Zür".encode()), LAST)
    assert (result["statusCode"], result["body"], result["isBase64Encoded"]) == (200, "Zür", False)


def test_buffered_binary_is_base64(buffered: Response) -> None:
    result = whole(buffered, START | {"headers": [(b"content-type", b"image/png")]}, piece(b"\x89PNG"), LAST)
    assert (decoded(result), result["isBase64Encoded"]) == (b"\x89PNG", True)


def test_buffered_cookies_stay_separate(buffered: Response) -> None:
    result = whole(buffered, START | {"headers": [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]}, LAST)
    assert result["cookies"] == ["a=1", "b=2"]


def test_buffered_header_bytes_are_latin_1(buffered: Response) -> None:
    assert whole(buffered, START | {"headers": [(b"x-name", b"Z\xfcrich")]}, LAST)["headers"]["x-name"] == "Zürich"


@pytest.mark.parametrize(
    "event", [rest_api(), load_balancer(), load_balancer(headers=None, multiValueHeaders={}), function_url()]
)
def test_buffered_form_follows_event_source(bridge: Bridge, event: Event) -> None:
    result = whole(response_to(INVOCATION, request(bridge, event), buffered=True), START, LAST)
    assert result["statusCode"] == 200
    assert ("multiValueHeaders" in result) == ("resource" in event or "multiValueHeaders" in event)


def test_load_balancer_gets_buffered_response(bridge: Bridge) -> None:
    assert whole(response_to(INVOCATION, request(bridge, load_balancer()), buffered=False), START, LAST)


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.binary(max_size=20)), st.booleans())
async def test_any_split_keeps_body(pieces: list[bytes], in_one: bool) -> None:
    bridge = Bridge(hello)
    streamed = response_to(INVOCATION, request(bridge, function_url()), buffered=False)
    buffered = response_to(INVOCATION, request(bridge, function_url()), buffered=True)
    sent = messages(*([b"".join(pieces)] if in_one else pieces))
    *_, end = chunks = written(streamed, *sent)[3:]
    assert end == End()
    assert b"".join(chunk for chunk in chunks if isinstance(chunk, bytes)) == b"".join(pieces)
    assert decoded(whole(buffered, *sent)) == b"".join(pieces)
