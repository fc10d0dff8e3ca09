"""The language of plays: what a test, or a person, can have the server do, step by step.

In: a user message `/play [step, ...]`. Out: the steps, checked, or `PlayError` saying which step is wrong. A step is a
JSON object with exactly one of these keys:

    {"status": 429, "headers": {...}, "body": {...} | "text", "times": 2}
                        answer with this HTTP status and end; with `times` only to the first so many requests with this
                        same message, later ones go on with the next step. Without a body: OpenAI's error object
    {"event": {...}}    one server-sent event: its `type` as the `event:` line, the whole as the `data:` line
    {"text": "abc"}     short for a response.output_text.delta
    {"created": true}   short for a response.created, {"completed": {...}} for a response.completed with the text so
                        far; an object in place of true replaces fields of the Response in it
    {"raw": "..."}      this text as it is; {"base64": "..."} these bytes. {"raw": ""} sends only the response's head
    {"split": 7}        from here on everything goes out in chunks of at most 7 bytes, also inside a character
    {"delay": 0.5}      wait so many seconds; {"gate": "name"} wait until that gate is open
    {"cut": true}       drop the connection without ending the body

A play that runs out ends the body cleanly. The head goes out with the first bytes; before it a delay or a gate holds
back the head as well, and a status may only stand there. To a request that does not stream, the events make up one
Response, and `raw` and `base64` are silent.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    field_validator,
)
from pydantic_core import from_json

from infra.standin.contract import JsonObject

PREFIX = "/play "
_BODILESS = frozenset({204, 205, 304})
_FRAMING = frozenset({"connection", "content-length", "transfer-encoding"})


class PlayError(ValueError):
    """The message is no play; the text says which step is wrong, counted from 1, and why."""


def _has_body(status: int) -> int:
    if status in _BODILESS:
        raise ValueError(f"a response with status {status} has no body")
    return status


def _not_framing(name: str) -> str:
    if name.lower() in _FRAMING:
        raise ValueError(f"the server writes {name} itself")
    return name


_HeaderName = Annotated[str, StringConstraints(pattern=r"^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$"), AfterValidator(_not_framing)]
_HeaderValue = Annotated[str, StringConstraints(pattern=r"^([\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?)?$")]


class _Step(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class Status(_Step):
    status: Annotated[int, Field(ge=200, le=599), AfterValidator(_has_body)]
    headers: dict[_HeaderName, _HeaderValue] = {}
    body: JsonObject | str | None = None
    times: int | None = Field(None, ge=1)


class Event(_Step):
    event: JsonObject


class Text(_Step):
    text: str


class Created(_Step):
    created: Literal[True] | JsonObject


class Completed(_Step):
    completed: Literal[True] | JsonObject


class Raw(_Step):
    raw: str


class Base64(_Step):
    base64: str

    @field_validator("base64")
    @classmethod
    def _decodable(cls, value: str) -> str:
        base64.b64decode(value, validate=True)
        return value


class Split(_Step):
    split: int = Field(ge=1)


class Delay(_Step):
    delay: float = Field(ge=0)


class Gate(_Step):
    gate: str = Field(min_length=1)


class Cut(_Step):
    cut: Literal[True]


Step = Status | Event | Text | Created | Completed | Raw | Base64 | Split | Delay | Gate | Cut

_SPEAKING = (Event, Text, Created, Completed, Raw, Base64)
_KINDS: dict[str, type[Step]] = {
    "status": Status,
    "event": Event,
    "text": Text,
    "created": Created,
    "completed": Completed,
    "raw": Raw,
    "base64": Base64,
    "split": Split,
    "delay": Delay,
    "gate": Gate,
    "cut": Cut,
}


def play(*steps: Mapping[str, object]) -> str:
    """The message that has the server play `steps`; raises PlayError as the server would."""
    message = PREFIX + json.dumps(steps, ensure_ascii=False, separators=(",", ":"))
    parse(message)
    return message


def parse(message: str) -> tuple[Step, ...]:
    """The steps of `message`, which begins with PREFIX; raises PlayError."""
    try:
        wishes = from_json(message.removeprefix(PREFIX), allow_inf_nan=False)
    except ValueError as exc:
        raise PlayError(f"the play is not JSON: {exc}") from exc
    if not isinstance(wishes, list):
        raise PlayError("the play is not a JSON array")
    return tuple(_in_order(wishes))


def _in_order(wishes: list[JsonValue]) -> Iterator[Step]:
    spoken = False
    for number, wish in enumerate(wishes, start=1):
        step = _step(number, wish)
        if spoken and isinstance(step, Status):
            raise PlayError(f"step {number}: a status comes too late after the first bytes")
        spoken = spoken or isinstance(step, _SPEAKING)
        yield step


def _step(number: int, wish: JsonValue) -> Step:
    kinds = [_KINDS[key] for key in wish if key in _KINDS] if isinstance(wish, dict) else []
    if len(kinds) != 1:
        raise PlayError(f"step {number}: not an object with exactly one of {', '.join(_KINDS)}")
    try:
        return kinds[0].model_validate(wish)
    except ValidationError as exc:
        complaint = exc.errors()[0]
        place = ".".join(str(name) for name in complaint["loc"])
        raise PlayError(f"step {number}: {place}: {complaint['msg']}") from exc
