"""The send side of one ASGI request, as a state machine. No I/O.

    START --http.response.start--> BODY --http.response.body, more_body--> BODY
                                        --http.response.body, the last---> COMPLETE

It takes the app's messages and returns `Write`s. It raises UnexpectedMessageError for a
message out of order, and ContentLengthError for a body that does not match its
Content-Length. A failure becomes a report before the first byte, trailers after it, and
nothing after the end.

Source: ASGI, "HTTP & WebSocket ASGI Message Format" 2.4, "Response Start" and "Response
Body".
"""

import enum
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mangum.types import Message
from mangum.types import Response as WholeResponse

from handler.bridge import HttpRequest
from handler.errors import ContentLengthError, ErrorReport, UnexpectedMessageError
from handler.protocol import DELIMITER, End, Header, Invocation, Write, error_trailers, prelude

BODILESS_STATUS = (204, 304)


class State(enum.Enum):
    """How far the response is."""

    START = enum.auto()
    BODY = enum.auto()
    COMPLETE = enum.auto()


class Response(ABC):
    """The state machine, for any form of the response."""

    def __init__(self, invocation: Invocation, request: HttpRequest) -> None:
        self.state = State.START
        self.invocation = invocation
        self._request = request
        self._bodiless = request.scope["method"] == "HEAD"
        self._due: int | None = None  # bytes of the body still to come, if the app announced them

    @property
    def complete(self) -> bool:
        return self.state is State.COMPLETE

    @property
    def sent(self) -> State:
        """How far the response is written."""
        return self.state

    def send(self, message: Message) -> list[Write]:
        """Returns the writes for a message. If it raises, the state is unchanged."""
        transition = TRANSITIONS.get((self.state, message["type"]))
        if transition is None:
            raise UnexpectedMessageError(f"{message['type']} cannot come here: {_EXPECTED[self.state]}")
        return transition(self, message)

    def fail(self, report: ErrorReport) -> list[Write]:
        """Returns the writes that end the response as failed; it is complete then."""
        state, self.state = self.state, State.COMPLETE
        return self._failure(state, report)

    def rewind(self) -> None:
        """Forgets the messages so far, because none of them reached the connection."""
        self.state = State.START

    def start(self, message: Message) -> list[Write]:
        """Handles http.response.start."""
        headers = list(message.get("headers", ()))
        due = _content_length(headers)
        writes = self._begin(message["status"], headers)
        self._bodiless = self._bodiless or message["status"] in BODILESS_STATUS
        self._due = None if self._bodiless else due
        self.state = State.BODY
        return writes

    def body(self, message: Message) -> list[Write]:
        """Handles http.response.body.

        A response that cannot have a body drops it (RFC 9110, section 6.4.1).
        """
        data = b"" if self._bodiless else bytes(message.get("body", b""))
        last = not message.get("more_body", False)
        due = self._due_after(len(data), last=last)
        writes = self._piece(data, last=last)
        self._due = due
        if last:
            self.state = State.COMPLETE
        return writes

    def _due_after(self, size: int, *, last: bool) -> int | None:
        if self._due is None:
            return None
        due = self._due - size
        if due < 0 or (last and due):
            raise ContentLengthError(f"the body is {'longer' if due < 0 else 'shorter'} than its Content-Length")
        return due

    @abstractmethod
    def _begin(self, status: int, headers: list[Header]) -> list[Write]: ...

    @abstractmethod
    def _piece(self, data: bytes, *, last: bool) -> list[Write]: ...

    @abstractmethod
    def _failure(self, state: State, report: ErrorReport) -> list[Write]: ...


class StreamedResponse(Response):
    """Writes prelude and delimiter at the start, then each piece as a chunk."""

    def _begin(self, status: int, headers: list[Header]) -> list[Write]:
        return [self.invocation.stream(), prelude(status, headers), DELIMITER]

    def _piece(self, data: bytes, *, last: bool) -> list[Write]:
        return [*([data] if data else []), *([End()] if last else [])]

    def _failure(self, state: State, report: ErrorReport) -> list[Write]:
        return _STREAM_FAILURES[state](self.invocation, report)


class BufferedResponse(Response):
    """Collects all messages, then writes one response in the form of the event
    source.
    """

    def __init__(self, invocation: Invocation, request: HttpRequest) -> None:
        super().__init__(invocation, request)
        self._status = 0
        self._headers: list[list[bytes]] = []
        self._pieces: list[bytes] = []

    @property
    def sent(self) -> State:
        return State.COMPLETE if self.complete else State.START

    def _begin(self, status: int, headers: list[Header]) -> list[Write]:
        self._status = status
        # Mangum decodes header values as UTF-8, but ASGI allows any bytes
        self._headers = [[name, value.decode("latin-1").encode()] for name, value in headers]
        return []

    def _piece(self, data: bytes, *, last: bool) -> list[Write]:
        self._pieces.append(data)
        if not last:
            return []
        whole = WholeResponse(status=self._status, headers=self._headers, body=b"".join(self._pieces))
        return self.invocation.response(json.dumps(self._request.whole(whole)).encode())

    def _failure(self, state: State, report: ErrorReport) -> list[Write]:
        return [] if state is State.COMPLETE else self.invocation.error(report)


TRANSITIONS: Mapping[tuple[State, Any], Callable[[Response, Message], list[Write]]] = {
    (State.START, "http.response.start"): Response.start,
    (State.BODY, "http.response.body"): Response.body,
}

_EXPECTED: Mapping[State, str] = {
    State.START: "http.response.start is due",
    State.BODY: "http.response.body is due",
    State.COMPLETE: "the response is complete",
}

_STREAM_FAILURES: Mapping[State, Callable[[Invocation, ErrorReport], list[Write]]] = {
    State.START: Invocation.error,
    State.BODY: lambda _, report: [error_trailers(report)],
    State.COMPLETE: lambda *_: [],
}


def _content_length(headers: Iterable[Header]) -> int | None:
    """Returns the last Content-Length: two that differ cannot both match the body."""
    length = None
    for name, value in headers:
        if name.lower() == b"content-length":
            if not value.isdigit():
                raise ContentLengthError("the Content-Length is not a number")
            length = int(value)
    return length


def response_to(invocation: Invocation, request: HttpRequest, *, buffered: bool) -> Response:
    """Returns a streamed response if the source allows it, else a buffered one."""
    kind = StreamedResponse if request.streamable and not buffered else BufferedResponse
    return kind(invocation, request)
