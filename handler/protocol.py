"""The Lambda Runtime API as values: paths, headers and bytes. No I/O.

Out go `Write`s, in the order in which they are to be written: a `Head` begins a
request, each `bytes` is a piece of its body (in a chunked request a chunk of its own),
an `End` ends it. In come the headers of an answer to `.../invocation/next`, as an
`Invocation`.

Sources: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes"
(runtimes-api) and "Building a custom runtime", section "Implementing response streaming
in a custom runtime" (runtimes-custom).
"""

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from handler.errors import ErrorReport, PreludeTooLargeError

API = "/2018-06-01/runtime"

DELIMITER = bytes(8)  # between the prelude and the body of a streamed response
MAX_PRELUDE = 16 * 1024  # bytes of prelude and delimiter
# Bytes of JSON in the error trailer. Go's HTTP server, which the Runtime API runs on,
# accepts 4 KiB of trailers and treats the body as truncated beyond that; base64 adds a
# third.
MAX_TRAILER_ERROR = 2 * 1024
MARGIN = 0.5  # seconds before the deadline at which the app is stopped, to report its failure

# other answers (runtimes-api, "Invocation response"; seen with AWS's emulator)
ANSWERS = {
    400: "the invocation is unknown, or its response came truncated",
    403: "out of turn: the invocation has been answered, or is not over yet",
    410: "the invocation is over: this answer came too late",
    413: "a buffered response may have 6 MB at most",
    500: "the state of the Runtime API cannot be recovered",
}
ACCEPTED = range(200, 300)  # the Runtime API documents 200 and 202
UNRECOVERABLE = 500

Header = tuple[bytes, bytes]

REQUEST_ID = b"lambda-runtime-aws-request-id"


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a request; the connection adds Host."""

    method: str
    path: str
    headers: tuple[Header, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    """The end of a request, with trailers if it is chunked."""

    trailers: tuple[Header, ...] = ()


Write = Head | bytes | End


@dataclass(frozen=True, slots=True)
class Invocation:
    """One invocation, from the headers of its event (runtimes-api, "Next invocation").

    `deadline` is in seconds since the Unix epoch. `invocation_id` is echoed if present;
    it distinguishes two runs with the same request id.
    """

    request_id: str
    deadline: float | None = None
    trace_id: str | None = None
    function_arn: str | None = None
    invocation_id: str | None = None
    tenant_id: str | None = None

    @classmethod
    def from_headers(cls, headers: Iterable[Header], *, now: float) -> Self:
        """Reads headers with lower-case names. Raises ValueError without a request id.

        A deadline in the past comes from a wrong clock and is left out, because Lambda
        sends no event after its deadline.
        """
        found = {name: value.decode("latin-1") for name, value in headers if value}
        if REQUEST_ID not in found:
            raise ValueError("an event came without Lambda-Runtime-Aws-Request-Id")
        milliseconds = found.get(b"lambda-runtime-deadline-ms", "")
        deadline = int(milliseconds) / 1000 if milliseconds.isdecimal() else 0.0
        return cls(
            request_id=found[REQUEST_ID],
            deadline=deadline if deadline > now else None,
            trace_id=found.get(b"lambda-runtime-trace-id"),
            function_arn=found.get(b"lambda-runtime-invoked-function-arn"),
            invocation_id=found.get(b"lambda-runtime-invocation-id"),
            tenant_id=found.get(b"lambda-runtime-aws-tenant-id"),
        )

    def time_left(self, now: float) -> float | None:
        """Returns the seconds that the app may run from `now`; a
        short limit has a small margin.
        """
        if self.deadline is None:
            return None
        left = max(0.0, self.deadline - now)
        return left - min(MARGIN, left / 4)

    def _path(self, resource: str) -> str:
        return f"{API}/invocation/{self.request_id}/{resource}"

    def _echo(self) -> tuple[Header, ...]:
        if self.invocation_id is None:
            return ()
        return ((b"Lambda-Runtime-Invocation-Id", self.invocation_id.encode("latin-1")),)

    def stream(self) -> Head:
        """Begins a streamed response (runtimes-custom, "Implementing response
        streaming").
        """
        return Head("POST", self._path("response"), (*_STREAMING, *self._echo()))

    def response(self, payload: bytes) -> list[Write]:
        """A buffered response, whole (runtimes-api, "Invocation response")."""
        return [Head("POST", self._path("response"), (*_json_headers(payload), *self._echo())), payload, End()]

    def error(self, report: ErrorReport) -> list[Write]:
        """A failure in place of a response (runtimes-api, "Invocation error")."""
        payload = report.to_json(requestId=self.request_id)
        cause = (b"Lambda-Runtime-Function-XRay-Error-Cause", report.to_xray())
        headers = (*_json_headers(payload), _error_type(report), cause, *self._echo())
        return [Head("POST", self._path("error"), headers), payload, End()]


_STREAMING = (
    (b"Content-Type", b"application/vnd.awslambda.http-integration-response"),
    (b"Lambda-Runtime-Function-Response-Mode", b"streaming"),
    (b"Transfer-Encoding", b"chunked"),
    (b"Trailer", b"Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"),
)


def next_invocation() -> list[Write]:
    """Requests the next event; the answer has no time limit (runtimes-api)."""
    return [Head("GET", f"{API}/invocation/next"), End()]


def restore_next() -> list[Write]:
    """Lets the snapshot be taken; the answer comes after the restore (runtimes-api)."""
    return [Head("GET", f"{API}/restore/next"), End()]


def init_error(report: ErrorReport) -> list[Write]:
    """Reports a failed start; the process exits afterwards (runtimes-api)."""
    return _report("init", report)


def restore_error(report: ErrorReport) -> list[Write]:
    """Reports a failed restore; the process exits afterwards (runtimes-api)."""
    return _report("restore", report)


def _report(phase: str, report: ErrorReport) -> list[Write]:
    payload = report.to_json()
    return [Head("POST", f"{API}/{phase}/error", (*_json_headers(payload), _error_type(report))), payload, End()]


def prelude(status: int, headers: Iterable[Header]) -> bytes:
    """Returns status, headers and cookies as the prelude of a streamed response.

    Names and values are latin-1; the result is ASCII JSON without NUL. A repeated
    header is joined by ", " (RFC 9110, section 5.2). Set-Cookie cannot be joined and
    goes to `cookies`. Raises PreludeTooLargeError.
    """
    joined: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in headers:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        if key == "set-cookie":
            cookies.append(text)
        else:
            joined[key] = f"{joined[key]}, {text}" if key in joined else text
    encoded = json.dumps({"statusCode": status, "headers": joined, "cookies": cookies}).encode("ascii")
    if len(encoded) + len(DELIMITER) > MAX_PRELUDE:
        raise PreludeTooLargeError(
            f"the response's headers and cookies take {len(encoded)} bytes; a streamed response may begin with "
            f"{MAX_PRELUDE - len(DELIMITER)}"
        )
    return encoded


def error_trailers(report: ErrorReport) -> End:
    """Ends a streamed response as failed: error type, and report in base64."""
    body = base64.b64encode(report.within(MAX_TRAILER_ERROR).to_json())
    return End((_error_type(report), (b"Lambda-Runtime-Function-Error-Body", body)))


def _error_type(report: ErrorReport) -> Header:
    return b"Lambda-Runtime-Function-Error-Type", report.type.encode("ascii")


def _json_headers(payload: bytes) -> tuple[Header, ...]:
    return (b"Content-Type", b"application/json"), (b"Content-Length", str(len(payload)).encode("ascii"))
