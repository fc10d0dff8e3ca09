"""One invocation of the emulated Runtime API: the event, the
response, and violations of the protocol.

The rules are those of AWS's service. Sources: AWS Lambda Developer Guide, runtimes-api
and runtimes-custom.
"""

import asyncio
import base64
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

PATIENCE = 30.0
"""Seconds that a wait takes at most, so that a test fails and does not hang."""

NULS = bytes(8)
MAX_PRELUDE = 16 * 1024
MAX_TRAILERS = 4 * 1024  # of Go's HTTP server, on which the service runs

Headers = dict[str, str]
INVOCATION_ID = "Lambda-Runtime-Invocation-Id"


@dataclass(frozen=True)
class Fault:
    """How the service misbehaves in one invocation."""

    answer: int = 202
    """The status for a complete response."""
    early: int | None = None
    """The status that is sent after the head of the response.

    The rest is not read, and the connection stays open.
    """
    cut_after: int | None = None
    """The number of chunks after which the connection is closed without an answer."""
    hold: asyncio.Event | None = None
    """The body is not read before this is set, as by a slow client."""
    mute: bool = False
    """Whether no answer is sent."""

    @property
    def answers_in_time(self) -> bool:
        """Whether the answer itself is normal."""
        return (self.answer, self.early, self.mute) == (202, None, False)


class Watched:
    """A state that changes step by step; tests wait for conditions of it."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()

    async def changed(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, condition: Callable[[], object]) -> None:
        """Waits for the condition. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(condition)


@dataclass(frozen=True)
class Chunk:
    """A chunk of a body, and its time of arrival (`time.perf_counter`)."""

    data: bytes
    at: float


class Call(Watched):
    """One invocation, and the runtime's response to it."""

    def __init__(
        self, event: bytes, headers: Headers, time_limit: float | None, fault: Fault, *, keeps: bool = True
    ) -> None:
        super().__init__()
        self.size = 0
        """Bytes of the body, stored or not."""
        self._keeps = keeps
        self.event = event
        self.sent_headers = headers
        self.fault = fault
        self.handed_out = 0.0
        """The time of the head, as for chunks."""
        self.deadline: float | None = None
        """Seconds since the epoch; set when the event is sent."""
        self.resource = ""
        """`response` or `error`, as posted."""
        self.headers: Headers = {}
        self.chunks: list[Chunk] = []
        self.trailers: Headers = {}
        self.ended = False
        """Whether the body has ended, was cut, or was lost with the connection."""
        self.timed_out = False
        """Whether it was cut at the deadline of the invocation."""
        self.truncated = False
        """Whether the runtime's connection closed before the end of the body."""
        self.may_be_truncated = False
        """Allows that: for a test that kills the runtime during a response."""
        self.posts = 0
        self._time_limit = time_limit

    def hand_out(self) -> None:
        """Starts the clock."""
        self.handed_out = time.perf_counter()
        if self._time_limit is not None:
            self.deadline = time.time() + self._time_limit
            self.sent_headers["Lambda-Runtime-Deadline-Ms"] = str(int(self.deadline * 1000))

    def time_left(self) -> float | None:
        """Returns the seconds to the deadline."""
        return None if self.deadline is None else self.deadline - time.time()

    @property
    def being_read(self) -> bool:
        """Whether a body has begun and has not ended."""
        held = self.fault.hold is not None and not self.fault.hold.is_set()
        return bool(self.resource) and not self.ended and not held

    @property
    def id(self) -> str:
        return self.sent_headers["Lambda-Runtime-Aws-Request-Id"]

    @property
    def body(self) -> bytes:
        return b"".join(chunk.data for chunk in self.chunks)

    @property
    def prelude(self) -> dict[str, Any]:
        prelude = json.loads(self.chunks[0].data)
        if not isinstance(prelude, dict):
            raise ValueError("the prelude is no JSON object")
        return prelude

    @property
    def content(self) -> bytes:
        """The body of a streamed response, after prelude and delimiter."""
        return b"".join(chunk.data for chunk in self.chunks[2:])

    @property
    def json(self) -> dict[str, Any]:
        """The body of a buffered response or of an error."""
        return dict(json.loads(self.body))

    @property
    def error_type(self) -> str | None:
        return (self.trailers or self.headers).get("lambda-runtime-function-error-type")

    @property
    def trailing_error(self) -> dict[str, Any]:
        return dict(json.loads(base64.b64decode(self.trailers["lambda-runtime-function-error-body"])))

    async def chunk(self, index: int) -> bytes:
        """Waits for a chunk of the body, and returns it."""
        await self.until(lambda: len(self.chunks) > index)
        return self.chunks[index].data

    async def end(self) -> Self:
        """Waits for the end of the response."""
        await self.until(lambda: self.ended)
        return self

    async def add(self, data: bytes) -> None:
        self.size += len(data)
        if self._keeps or len(self.chunks) <= 2:  # prelude and delimiter are checked
            self.chunks.append(Chunk(data, time.perf_counter()))
        await self.changed()


Rule = tuple[str, Callable[[Call], bool]]

RULES_OF_ALL: tuple[Rule, ...] = (
    (
        "Lambda-Runtime-Invocation-Id is echoed",
        lambda call: call.headers.get("lambda-runtime-invocation-id") == call.sent_headers.get(INVOCATION_ID),
    ),
    (
        "an error has a type of the form that Lambda keeps",
        lambda call: (
            call.error_type is None or bool(re.fullmatch(r"(Runtime|Function)\.[A-Z][a-zA-Z]+", call.error_type))
        ),
    ),
    ("an error has a type", lambda call: call.error_type is not None or call.resource != "error"),
)

RULES_OF_STREAMS: tuple[Rule, ...] = (
    ("the mode is streaming", lambda call: call.headers["lambda-runtime-function-response-mode"] == "streaming"),
    ("it is chunked", lambda call: call.headers.get("transfer-encoding") == "chunked"),
    (
        "it says that it begins with a prelude",
        lambda call: call.headers.get("content-type") == "application/vnd.awslambda.http-integration-response",
    ),
    (
        "the first chunk is the prelude, without NUL",
        lambda call: b"\0" not in call.chunks[0].data and {"statusCode", "headers"} <= set(call.prelude),
    ),
    ("the second chunk is the delimiter", lambda call: call.chunks[1].data == NULS),
    ("the delimiter comes in time", lambda call: len(call.chunks[0].data) + len(NULS) <= MAX_PRELUDE),
    (
        "trailers are announced",
        lambda call: set(call.trailers) <= set(call.headers.get("trailer", "").lower().split(", ")),
    ),
    (
        "trailers are short",
        lambda call: sum(len(name) + len(value) + 4 for name, value in call.trailers.items()) <= MAX_TRAILERS,
    ),
)

RULES_OF_WHOLE_BODIES: tuple[Rule, ...] = (
    ("it has a length", lambda call: "content-length" in call.headers),
    ("it is a JSON object", lambda call: isinstance(json.loads(call.body), dict)),
)


def violations(call: Call) -> list[str]:
    """Yields the rules that a whole response or error breaks."""
    streamed = "lambda-runtime-function-response-mode" in call.headers
    rules = RULES_OF_ALL + (RULES_OF_STREAMS if streamed else RULES_OF_WHOLE_BODIES)
    return [f"{call.resource}: not so: {text}" for text, rule in rules if not holds(rule, call)]


def holds(rule: Callable[[Call], bool], call: Call) -> bool:
    """Whether the rule holds; False if its subject is missing or cannot be read."""
    try:
        return rule(call)
    except (LookupError, ValueError):
        return False
