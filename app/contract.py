"""The wire: what a client sends and receives.

JSON shapes, with no behaviour but validation.

Requests: `ChatRequest`. Answers: `Turn` as a whole, or the stream events `Start`,
`Text`, `Reasoning`, `Refusal`, `Tool`, `Source` and the one terminal `End`. Errors:
`ProblemDetails` (RFC 9457).
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator


class Status(StrEnum):
    """The state of a turn: running, or how it ended."""

    RUNNING = "running"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    REFUSED = "refused"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Wire(BaseModel):
    """Base of all shapes: immutable; unknown fields are rejected."""

    # errors have no input, because they may be logged and the input is a user's text
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def well_formed(text: str) -> str:
    """Returns the text.

    Raises ValueError for half a surrogate pair, which UTF-8 cannot encode.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode") from None
    return text


# One character other than white space. Python, ECMAScript and Unicode disagree about
# U+001C to U+001F, U+0085 and U+FEFF, so they are listed.
NOT_BLANK = r"[^\s\x1c-\x1f\x85\ufeff]"


def not_blank(text: str) -> str:
    """Returns the text. Raises ValueError if it is all white space."""
    if not re.search(NOT_BLANK, text):
        raise ValueError("must not be blank")
    return text


def parse_uuid(text: str) -> UUID:
    """Reads a UUID in any spelling (RFC 9562, 4). Raises ValueError.

    Upper case, a form without hyphens, braces and a URN are accepted.
    """
    if not _UUID.fullmatch(text):
        raise ValueError("must be a UUID")
    return UUID(text.lower())


def _to_uuid(value: object) -> object:
    return parse_uuid(value) if isinstance(value, str) else value


_UUID = re.compile(r"(urn:uuid:)?(\{)?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}(?(2)\})", re.ASCII | re.IGNORECASE)
Id = Annotated[UUID, BeforeValidator(_to_uuid, json_schema_input_type=UUID)]
WellFormed = Annotated[str, AfterValidator(well_formed)]
Message = Annotated[
    WellFormed,
    AfterValidator(not_blank),
    Field(json_schema_extra={"minLength": 1, "pattern": NOT_BLANK}),
]


MAX_UNKNOWN = 10


class Body(Wire):
    """Base of request bodies.

    Only the first unknown fields are examined, to bound the work.
    """

    @model_validator(mode="before")
    @classmethod
    def _bound_unknown(cls, value: Any) -> Any:  # noqa: ANN401 - JSON
        if not isinstance(value, dict) or len(value) <= MAX_UNKNOWN:
            return value
        unknown = islice((name for name in value if name not in cls.model_fields), MAX_UNKNOWN)
        return {name: value[name] for name in (*filter(value.__contains__, cls.model_fields), *unknown)}


class ChatRequest(Body):
    """One question.

    `turn_id` names the turn: the same id again is the same turn, and is not asked
    twice. `conversation_id` is the conversation to continue, by default a new one;
    `parent_turn_id` is the turn that the question follows, by default none. `model` is
    one of the allowed models; `instructions` replace the server's own.
    """

    message: Message
    turn_id: Id | None = None
    conversation_id: Id | None = None
    parent_turn_id: Id | None = None
    model: str | None = None
    instructions: WellFormed | None = None


class FieldError(Wire):
    """One invalid field of a request, and the reason."""

    field: str
    detail: str


class ProblemDetails(Wire):
    """RFC 9457, with `code` for programs, `retryable`,
    `retry_after` in seconds, and invalid fields.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    retryable: bool
    retry_after: int | None = None
    request_id: str | None = None
    errors: list[FieldError] | None = None


MAX_TOKENS = 10**9


def tokens_or_none(value: object) -> object:
    """Returns the value if it can be a number of tokens; None for anything else."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TOKENS
    return value if is_count else None


Tokens = Annotated[Annotated[int, Field(ge=0, le=MAX_TOKENS)] | None, BeforeValidator(tokens_or_none)]


class Usage(Wire):
    """The tokens of an answer; null if unknown, never estimated."""

    input_tokens: Tokens = None
    cached_tokens: Tokens = None
    output_tokens: Tokens = None
    reasoning_tokens: Tokens = None
    cost_usd: float | None = None


class Event(Wire):
    """One event of a stream; `event` is its SSE event name."""

    event: ClassVar[str]


class Start(Event):
    """The first event.

    `omitted_turns` is the number of the oldest turns that the model did not receive,
    because the conversation is too long. It is counted up to 10.
    """

    event = "start"
    turn_id: str
    conversation_id: str
    model: str
    omitted_turns: int = 0


class Text(Event):
    event = "text"
    delta: str


class Reasoning(Event):
    event = "reasoning"
    delta: str


class Refusal(Event):
    event = "refusal"
    delta: str


class Tool(Event):
    """A built-in tool that the model uses, e.g. {name: "web_search", status:
    "searching"}.
    """

    event = "tool"
    name: str
    status: str


class Source(Event):
    """A cited page; `start` and `end` are the character offsets
    of the citation in the whole text.
    """

    event = "source"
    url: str
    title: str
    start: int
    end: int


class End(Event):
    """The terminal event: exactly one, always last.

    `reason` is a code: for an incomplete answer the cause, for a completed one `empty`
    if it has no text, for a failed one the code of the error.
    """

    event = "end"
    status: Status
    reason: str | None = None
    usage: Usage | None = None
    error: ProblemDetails | None = None


# The registry of events. The log of a turn and the OpenAPI document use it.
EVENTS: Mapping[str, type[Event]] = {kind.event: kind for kind in (Start, Text, Reasoning, Refusal, Tool, Source, End)}


class Turn(Wire):
    """A question and its answer so far. `created_at` is in seconds since the epoch."""

    turn_id: str
    conversation_id: str
    parent_turn_id: str | None = None
    created_at: float
    model: str
    message: str
    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    sources: list[Source] = []
    status: Status
    reason: str | None = None
    usage: Usage | None = None
    error: ProblemDetails | None = None


class ConversationLine(Wire):
    """One conversation in the list. Times are in seconds since the epoch."""

    conversation_id: str
    title: str
    created_at: float
    updated_at: float


class ConversationPage(Wire):
    """A page of the list, the last updated first; `cursor` is
    that of the next page, null at the end.
    """

    conversations: list[ConversationLine]
    cursor: str | None = None


class WholeConversation(ConversationLine):
    """A conversation with all its turns, the oldest first; they form a tree by
    `parent_turn_id`.
    """

    turns: list[Turn]


class Rename(Body):
    title: Annotated[Message, Field(max_length=200)]


class PageConfig(Wire):
    """What the page needs before the first question."""

    models: list[str]
    default_model: str
    max_message_chars: int
    demo: bool


class Health(Wire):
    status: str = "ok"
