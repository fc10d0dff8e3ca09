"""The Lambda Runtime API as values: paths, headers and bytes. No I/O.

Out go `Write`s, in the order in which they are to be written: a `Head` begins a request, each `bytes` is a piece of
its body (in a chunked request a chunk of its own), an `End` ends it. In come the headers of an answer to
`.../invocation/next`, as an `Invocation`.

Sources: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes" (runtimes-api) and "Building a
custom runtime", section "Implementing response streaming in a custom runtime" (runtimes-custom).
"""

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from handler.errors import ErrorReport, PreludeTooLargeError

API = "/2018-06-01/runtime"

DELIMITER = bytes(8)
"""Between the prelude and the body of a streamed response."""

MAX_PRELUDE = 16 * 1024
"""Bytes within which prelude and delimiter must come."""

MAX_TRAILER_ERROR = 2 * 1024
"""Bytes of JSON in the error trailer. Go's HTTP server, which the Runtime API runs on, takes 4 KiB of trailers in
all and treats the body as truncated beyond that; base64 makes four bytes of three."""

MARGIN = 0.5
"""Seconds before the deadline at which the app is stopped, so that its failure can still be told."""

ANSWERS = {
    400: "the invocation is unknown, or its response came truncated",
    403: "out of turn: the invocation has been answered, or is not over yet",
    410: "the invocation is over: this answer came too late",
    413: "a buffered response may have 6 MB at most",
    500: "the state of the Runtime API cannot be recovered",
}
"""What any other answer means (runtimes-api, "Invocation response"; seen with AWS's emulator)."""

ACCEPTED = range(200, 300)
"""Statuses of what the Runtime API has taken; it documents 200 and 202."""

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
    """The end of a request, with trailers where it is chunked."""

    trailers: tuple[Header, ...] = ()


Write = Head | bytes | End


@dataclass(frozen=True, slots=True)
class Invocation:
    """One invocation, from the headers that its event came with (runtimes-api, "Next invocation")."""

    request_id: str
    deadline: float | None = None
    """Seconds since the Unix epoch."""
    trace_id: str | None = None
    function_arn: str | None = None
    invocation_id: str | None = None
    """To be echoed where it came: tells this run from another one under the same request id."""
    tenant_id: str | None = None

    @classmethod
    def from_headers(cls, headers: Iterable[Header], *, now: float) -> Self:
        """Takes lower-case names. Raises ValueError where there is no request id.

        A deadline that is past when its event arrives comes from a clock that is wrong, and is left out: Lambda hands
        out no event whose time is up.
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
        """Seconds that the app may run from `now` on; the margin is kept small where the limit is short."""
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
        """Begins a streamed response (runtimes-custom, "Implementing response streaming in a custom runtime")."""
        return Head("POST", self._path("response"), (*_STREAMING, *self._echo()))

    def response(self, payload: bytes) -> list[Write]:
        """A buffered response, whole (runtimes-api, "Invocation response")."""
        return [Head("POST", self._path("response"), (*_json(payload), *self._echo())), payload, End()]

    def error(self, report: ErrorReport) -> list[Write]:
        """A failure in place of a response (runtimes-api, "Invocation error")."""
        payload = report.to_json(requestId=self.request_id)
        cause = (b"Lambda-Runtime-Function-XRay-Error-Cause", report.to_xray())
        headers = (*_json(payload), _error_type(report), cause, *self._echo())
        return [Head("POST", self._path("error"), headers), payload, End()]


_STREAMING = (
    (b"Content-Type", b"application/vnd.awslambda.http-integration-response"),
    (b"Lambda-Runtime-Function-Response-Mode", b"streaming"),
    (b"Transfer-Encoding", b"chunked"),
    (b"Trailer", b"Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"),
)


def next_invocation() -> list[Write]:
    """Asks for the next event; the answer may take as long as it likes (runtimes-api, "Next invocation")."""
    return [Head("GET", f"{API}/invocation/next"), End()]


def restore_next() -> list[Write]:
    """Says that the snapshot may be taken; the answer comes in the restored environment (runtimes-api)."""
    return [Head("GET", f"{API}/restore/next"), End()]


def init_error(report: ErrorReport) -> list[Write]:
    """Says that there will be no app; the process exits afterwards (runtimes-api, "Initialization error")."""
    return _report("init", report)


def restore_error(report: ErrorReport) -> list[Write]:
    """Says that a restored environment cannot be used; the process exits afterwards (runtimes-api)."""
    return _report("restore", report)


def _report(phase: str, report: ErrorReport) -> list[Write]:
    payload = report.to_json()
    return [Head("POST", f"{API}/{phase}/error", (*_json(payload), _error_type(report))), payload, End()]


def prelude(status: int, headers: Iterable[Header]) -> bytes:
    """Status, headers and cookies as what a streamed response begins with, before the delimiter.

    Names and values are latin-1 and come out as ASCII JSON, in which no NUL can be. A repeated header becomes one, its
    values joined by ", " (RFC 9110, section 5.2); Set-Cookie cannot be joined and goes to `cookies`. Raises
    PreludeTooLargeError.
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
    """Ends a streamed response as failed: error type, and the report as base64 (runtimes-custom, the same section)."""
    body = base64.b64encode(report.within(MAX_TRAILER_ERROR).to_json())
    return End((_error_type(report), (b"Lambda-Runtime-Function-Error-Body", body)))


def _error_type(report: ErrorReport) -> Header:
    return b"Lambda-Runtime-Function-Error-Type", report.type.encode("ascii")


def _json(payload: bytes) -> tuple[Header, ...]:
    return (b"Content-Type", b"application/json"), (b"Content-Length", str(len(payload)).encode("ascii"))
