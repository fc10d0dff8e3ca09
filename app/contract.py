"""The wire: what a client sends and receives. JSON shapes only; no behaviour but their own validity.

Requests: `ChatRequest`. Answers: `Turn` as a whole, or the stream events `Start`, `Text`, `Reasoning`, `Refusal`,
`Tool`, `Source` and the one terminal `End`. Errors: `ProblemDetails` (RFC 9457).
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator


class Status(StrEnum):
    """How a turn ended, or that it has not."""

    RUNNING = "running"
    COMPLETED = "completed"
    INCOMPLETE = "incomplete"
    REFUSED = "refused"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Wire(BaseModel):
    """What all shapes share: immutable, and a field that nobody knows is an error, not a silent no."""

    # errors without their input: they may be logged, and the input is what a user wrote
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def well_formed(text: str) -> str:
    """The text as it is. Raises ValueError for half a surrogate pair, which JSON can escape but UTF-8 cannot carry."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be valid Unicode") from None
    return text


# One character that is no white space. Python, ECMAScript and Unicode disagree about
# U+001C to U+001F, U+0085 and U+FEFF, so they are named.
NOT_BLANK = r"[^\s\x1c-\x1f\x85\ufeff]"


def not_blank(text: str) -> str:
    """Returns the text. Raises ValueError if it holds nothing but white space."""
    if not re.search(NOT_BLANK, text):
        raise ValueError("must not be blank")
    return text


def parse_uuid(text: str) -> UUID:
    """A UUID in any spelling: upper case, without hyphens, in braces, as a URN (RFC 9562, 4). Raises ValueError."""
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
    """What a client sends. Of unknown fields only the first are looked at: one is as wrong as a million."""

    @model_validator(mode="before")
    @classmethod
    def _bound_unknown(cls, value: Any) -> Any:  # noqa: ANN401 - JSON
        if not isinstance(value, dict) or len(value) <= MAX_UNKNOWN:
            return value
        unknown = islice((name for name in value if name not in cls.model_fields), MAX_UNKNOWN)
        return {name: value[name] for name in (*filter(value.__contains__, cls.model_fields), *unknown)}


class ChatRequest(Body):
    """One question.

    `turn_id` names the turn: the same id again is the same turn, and is not asked twice. `conversation_id` is the
    conversation that it goes on with, a new one where it is missing, and `parent_turn_id` the turn that it follows,
    none where it is a beginning. `model` is one of the allowed models; `instructions` replace the server's own.
    """

    message: Message
    turn_id: Id | None = None
    conversation_id: Id | None = None
    parent_turn_id: Id | None = None
    model: str | None = None
    instructions: WellFormed | None = None


class FieldError(Wire):
    """One field of a request and what is wrong with it."""

    field: str
    detail: str


class ProblemDetails(Wire):
    """RFC 9457, with `code` for programs, `retryable`, `retry_after` in seconds, and the fields that are wrong."""

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
    """The value if it can be a number of tokens. None for anything else, so that no odd count is added up."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TOKENS
    return value if is_count else None


Tokens = Annotated[Annotated[int, Field(ge=0, le=MAX_TOKENS)] | None, BeforeValidator(tokens_or_none)]


class Usage(Wire):
    """What the answer took, in tokens; null if it is unknown. Never guessed."""

    input_tokens: Tokens = None
    cached_tokens: Tokens = None
    output_tokens: Tokens = None
    reasoning_tokens: Tokens = None
    cost_usd: float | None = None


class Event(Wire):
    """One event of a stream; `event` is its SSE event name."""

    event: ClassVar[str]


class Start(Event):
    """`omitted_turns` of the oldest were left out of what the model got: the conversation has
    grown too long for it. They are counted up to 10.
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
    """A tool that the model uses by itself, e.g. {name: "web_search", status: "searching"}."""

    event = "tool"
    name: str
    status: str


class Source(Event):
    """A cited page; `start` and `end` are the character offsets of the citation in the whole text."""

    event = "source"
    url: str
    title: str
    start: int
    end: int


class End(Event):
    """The terminal event: exactly one, always last.

    `reason` is a code: of an incomplete answer what upstream or this server gave, of a completed
    one `empty` if it has no text, of a failed one the error's.
    """

    event = "end"
    status: Status
    reason: str | None = None
    usage: Usage | None = None
    error: ProblemDetails | None = None


# The registry of events: the log of a turn and the OpenAPI document follow from it.
EVENTS: Mapping[str, type[Event]] = {kind.event: kind for kind in (Start, Text, Reasoning, Refusal, Tool, Source, End)}


class Turn(Wire):
    """A question and its answer, as far as it has come. `created_at` is in seconds since the epoch."""

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
    """A part of the list, the last updated first; `cursor` asks for the next, and is null at the end."""

    conversations: list[ConversationLine]
    cursor: str | None = None


class WholeConversation(ConversationLine):
    """A conversation with all its turns, the oldest first; they form a tree by `parent_turn_id`."""

    turns: list[Turn]


class Rename(Body):
    title: Annotated[Message, Field(max_length=200)]


class PageConfig(Wire):
    """What the page must know before the first question."""

    models: list[str]
    default_model: str
    max_message_chars: int
    demo: bool


class Health(Wire):
    status: str = "ok"
