"""One invocation as the emulated Runtime API sees it: what was handed out, what came back, and what is wrong with it.

The rules are those of AWS's service. Sources: AWS Lambda Developer Guide, runtimes-api and runtimes-custom.
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
"""Seconds that any wait here takes at most: a test that would hang fails."""

NULS = bytes(8)
MAX_PRELUDE = 16 * 1024
MAX_TRAILERS = 4 * 1024  # of Go's HTTP server, on which the service runs

Headers = dict[str, str]
INVOCATION_ID = "Lambda-Runtime-Invocation-Id"


@dataclass(frozen=True)
class Fault:
    """How the service misbehaves in one invocation."""

    answer: int = 202
    """The status that a complete response gets."""
    early: int | None = None
    """This status goes out as soon as the head of the response is there. The rest is not read, and the connection
    stays open."""
    cut_after: int | None = None
    """The connection is closed, without an answer, after so many chunks."""
    hold: asyncio.Event | None = None
    """Nothing behind the head of the response is read before this is set: a slow client."""
    mute: bool = False
    """No answer comes at all."""

    @property
    def answers_in_time(self) -> bool:
        """Whether there is nothing about the answer."""
        return (self.answer, self.early, self.mute) == (202, None, False)


class Watched:
    """Something that happens piece by piece, and can be waited for."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()

    async def changed(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, condition: Callable[[], object]) -> None:
        """Raises TimeoutError when the condition does not come true in time."""
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(condition)


@dataclass(frozen=True)
class Chunk:
    """A piece of a body, as it was framed, and when it was here (`time.perf_counter`)."""

    data: bytes
    at: float


class Call(Watched):
    """One invocation, and what the runtime made of it."""

    def __init__(
        self, event: bytes, headers: Headers, time_limit: float | None, fault: Fault, *, keeps: bool = True
    ) -> None:
        super().__init__()
        self.size = 0
        """Bytes of the body, also where it is not kept."""
        self._keeps = keeps
        self.event = event
        self.sent_headers = headers
        self.fault = fault
        self.handed_out = 0.0
        """When, as for chunks."""
        self.deadline: float | None = None
        """Seconds since the Unix epoch, known once it is handed out."""
        self.resource = ""
        """`response` or `error`, whichever was posted."""
        self.headers: Headers = {}
        self.chunks: list[Chunk] = []
        self.trailers: Headers = {}
        self.ended = False
        """Whether the body has come to its end, to a cut, or to where it breaks off."""
        self.timed_out = False
        """Whether it was cut because the invocation's time was up."""
        self.truncated = False
        """Whether the runtime's connection closed before all of the body was here."""
        self.may_be_truncated = False
        """Makes that no violation: for a test that kills the runtime half-way."""
        self.posts = 0
        self._time_limit = time_limit

    def hand_out(self) -> None:
        """Starts the clock."""
        self.handed_out = time.perf_counter()
        if self._time_limit is not None:
            self.deadline = time.time() + self._time_limit
            self.sent_headers["Lambda-Runtime-Deadline-Ms"] = str(int(self.deadline * 1000))

    def time_left(self) -> float | None:
        """Seconds to the deadline."""
        return None if self.deadline is None else self.deadline - time.time()

    @property
    def being_read(self) -> bool:
        """Whether a body has begun that is going to end, one way or the other."""
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
        """The body of a streamed response, behind prelude and delimiter."""
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
        """A chunk of the body, as soon as it is here."""
        await self.until(lambda: len(self.chunks) > index)
        return self.chunks[index].data

    async def end(self) -> Self:
        """Returns when all has come that will come."""
        await self.until(lambda: self.ended)
        return self

    async def add(self, data: bytes) -> None:
        self.size += len(data)
        if self._keeps or len(self.chunks) <= 2:  # prelude and delimiter are looked at
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
    """Which rules a response or an error breaks that has come whole."""
    streamed = "lambda-runtime-function-response-mode" in call.headers
    rules = RULES_OF_ALL + (RULES_OF_STREAMS if streamed else RULES_OF_WHOLE_BODIES)
    return [f"{call.resource}: not so: {text}" for text, rule in rules if not holds(rule, call)]


def holds(rule: Callable[[Call], bool], call: Call) -> bool:
    """A rule does not hold either where what it is about is missing or cannot be read."""
    try:
        return rule(call)
    except (LookupError, ValueError):
        return False
