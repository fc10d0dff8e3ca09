"""The Runtime API as values."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handler.errors import ErrorReport, PreludeTooLargeError
from handler.protocol import (
    DELIMITER,
    End,
    Head,
    Invocation,
    error_trailers,
    init_error,
    next_invocation,
    prelude,
    restore_error,
)

NOW = 1_700_000_000.0
REPORT = ErrorReport("Function.ValueError", "ValueError", "no", ("frame",))

names = st.from_regex(r"\A[a-z][a-z0-9-]{0,15}\Z").map(str.encode)
values = st.binary(max_size=20)


def invocation(**headers: str) -> Invocation:
    fields = {"aws-request-id": "r1", **{name.replace("_", "-"): value for name, value in headers.items()}}
    pairs = [(f"lambda-runtime-{name}".encode(), value.encode()) for name, value in fields.items()]
    return Invocation.from_headers(pairs, now=NOW)


def parsed(status: int, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return dict(json.loads(prelude(status, headers)))


def test_invocation_is_read_from_headers() -> None:
    read = invocation(
        deadline_ms="1700000003500",
        trace_id="Root=1",
        invoked_function_arn="arn",
        invocation_id="i1",
        aws_tenant_id="t1",
    )
    assert read == Invocation("r1", NOW + 3.5, "Root=1", "arn", "i1", "t1")


def test_missing_headers_are_none() -> None:
    assert invocation(trace_id="") == Invocation("r1")


def test_missing_request_id_raises() -> None:
    with pytest.raises(ValueError, match="Lambda-Runtime-Aws-Request-Id"):
        Invocation.from_headers([], now=NOW)


@pytest.mark.parametrize("deadline", ["1542409706888", "0", "soon", "-1"])
def test_impossible_deadline_is_none(deadline: str) -> None:
    assert invocation(deadline_ms=deadline).deadline is None


@pytest.mark.parametrize(("left", "expected"), [(30.0, 29.5), (2.0, 1.5), (1.0, 0.75), (0.0, 0.0), (-5.0, 0.0)])
def test_time_left_keeps_margin(left: float, expected: float) -> None:
    assert Invocation("r1", deadline=NOW + left).time_left(NOW) == expected


def test_no_deadline_means_no_limit() -> None:
    assert Invocation("r1").time_left(NOW) is None


def test_next_invocation_is_get() -> None:
    assert next_invocation() == [Head("GET", "/2018-06-01/runtime/invocation/next"), End()]


def test_streamed_response_announces_mode_and_trailers() -> None:
    head = Invocation("r1", invocation_id="i1").stream()
    assert (head.method, head.path) == ("POST", "/2018-06-01/runtime/invocation/r1/response")
    assert dict(head.headers) == {
        b"Content-Type": b"application/vnd.awslambda.http-integration-response",
        b"Lambda-Runtime-Function-Response-Mode": b"streaming",
        b"Transfer-Encoding": b"chunked",
        b"Trailer": b"Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
        b"Lambda-Runtime-Invocation-Id": b"i1",
    }


def test_missing_invocation_id_is_not_echoed() -> None:
    assert b"Lambda-Runtime-Invocation-Id" not in dict(Invocation("r1").stream().headers)


def test_buffered_response_has_length() -> None:
    head, body, end = Invocation("r1", invocation_id="i1").response(b'{"a": 1}')
    assert isinstance(head, Head)
    assert head.path == "/2018-06-01/runtime/invocation/r1/response"
    assert (dict(head.headers)[b"Content-Length"], body, end) == (b"8", b'{"a": 1}', End())


@pytest.mark.parametrize(
    ("writes", "path", "more"),
    [
        (Invocation("r1").error(REPORT), "/2018-06-01/runtime/invocation/r1/error", {"requestId": "r1"}),
        (init_error(REPORT), "/2018-06-01/runtime/init/error", {}),
        (restore_error(REPORT), "/2018-06-01/runtime/restore/error", {}),
    ],
)
def test_error_has_type_message_and_stack(writes: list[Any], path: str, more: dict[str, str]) -> None:
    head, body, _ = writes
    assert head.path == path
    assert dict(head.headers)[b"Lambda-Runtime-Function-Error-Type"] == b"Function.ValueError"
    assert json.loads(body) == {"errorMessage": "no", "errorType": "ValueError", "stackTrace": ["frame"], **more}


def test_trailers_have_type_and_report() -> None:
    trailers = dict(error_trailers(REPORT).trailers)
    assert trailers[b"Lambda-Runtime-Function-Error-Type"] == b"Function.ValueError"
    assert base64.b64decode(trailers[b"Lambda-Runtime-Function-Error-Body"]) == REPORT.to_json()


@settings(deadline=None)  # the machine may be busy
@given(st.text(max_size=9000))
def test_trailers_stay_below_4_kib(message: str) -> None:
    report = ErrorReport("Function." + "E" * 100, "E" * 100, message, ("x" * 3000,))
    assert sum(len(name) + len(value) + 4 for name, value in error_trailers(report).trailers) < 4096


def test_prelude_has_status_headers_and_cookies() -> None:
    headers = (b"content-type", b"text/plain"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2; Path=/")
    assert parsed(201, *headers) == {
        "statusCode": 201,
        "headers": {"content-type": "text/plain"},
        "cookies": ["a=1", "b=2; Path=/"],
    }


def test_repeated_headers_are_joined() -> None:
    assert parsed(200, (b"Vary", b"accept"), (b"vary", b"cookie"))["headers"] == {"vary": "accept, cookie"}


def test_header_bytes_are_latin_1() -> None:
    assert parsed(200, (b"x-name", b"Z\xfcrich"))["headers"] == {"x-name": "Zürich"}


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.tuples(names, values)))
def test_any_headers_survive_prelude(headers: list[tuple[bytes, bytes]]) -> None:
    encoded = prelude(200, headers)
    read = json.loads(encoded)
    wanted: dict[str, list[str]] = {}
    for name, value in headers:
        wanted.setdefault(name.decode(), []).append(value.decode("latin-1"))
    assert read["cookies"] == wanted.pop("set-cookie", [])
    assert read["headers"] == {name: ", ".join(found) for name, found in wanted.items()}
    assert b"\0" not in encoded


def test_prelude_may_take_16_kib() -> None:
    room = 16 * 1024 - len(DELIMITER) - len(prelude(200, [(b"x", b"")]))
    assert prelude(200, [(b"x", b"v" * room)])
    with pytest.raises(PreludeTooLargeError, match="16376"):
        prelude(200, [(b"x", b"v" * (room + 1))])
