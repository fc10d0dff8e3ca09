"""The language of scripts: what a test can make the server do, step by step.

A user message `/play [step, ...]` is a script. `parse` returns its steps, or raises
`ScriptError`, which names the wrong step. A step is a JSON object with exactly one of
these keys:

    {"status": 429, "headers": {...}, "body": {...} | "text", "times": 2}
                      responds with this HTTP status and ends. With `times` only to the
                      first requests with this message; later ones continue with the
                      next step. Without a body: OpenAI's error object
    {"event": {...}}  one server-sent event; its `type` is the `event:` line
    {"text": "abc"}   short for a response.output_text.delta
    {"created": true} short for a response.created; {"completed": {...}} for a
                      response.completed with the text so far. An object instead of
                      true replaces fields of the Response
    {"raw": "..."}    this text; {"base64": "..."} these bytes; {"raw": ""} the head
    {"split": 7}      sends the rest in chunks of at most 7 bytes, in characters, too
    {"delay": 0.5}    waits 0.5 s; {"gate": "name"} waits until that gate is open
    {"cut": true}     closes the connection without ending the body

After the last step the body ends normally. The head is sent with the first bytes: a
delay or a gate before them delays the head as well, and a status is allowed only before
them. For a request without `stream`, the events make one Response, and `raw` and
`base64` are ignored.
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


class ScriptError(ValueError):
    """The message is not a script.

    The text names the wrong step, counted from 1, and the reason.
    """


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

_OUTPUT = (Event, Text, Created, Completed, Raw, Base64)
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


def script(*steps: Mapping[str, object]) -> str:
    """Returns the message for these steps. Raises ScriptError."""
    message = PREFIX + json.dumps(steps, ensure_ascii=False, separators=(",", ":"))
    parse(message)
    return message


def parse(message: str) -> tuple[Step, ...]:
    """Returns the steps of a message that begins with PREFIX. Raises ScriptError."""
    try:
        items = from_json(message.removeprefix(PREFIX), allow_inf_nan=False)
    except ValueError as exc:
        raise ScriptError(f"the script is not JSON: {exc}") from exc
    if not isinstance(items, list):
        raise ScriptError("the script is not a JSON array")
    return tuple(_check(items))


def _check(items: list[JsonValue]) -> Iterator[Step]:
    has_output = False
    for number, item in enumerate(items, start=1):
        step = _step(number, item)
        if has_output and isinstance(step, Status):
            raise ScriptError(f"step {number}: a status is not allowed after the first bytes")
        has_output = has_output or isinstance(step, _OUTPUT)
        yield step


def _step(number: int, item: JsonValue) -> Step:
    kinds = [_KINDS[key] for key in item if key in _KINDS] if isinstance(item, dict) else []
    if len(kinds) != 1:
        raise ScriptError(f"step {number}: not an object with exactly one of {', '.join(_KINDS)}")
    try:
        return kinds[0].model_validate(item)
    except ValidationError as exc:
        error = exc.errors()[0]
        place = ".".join(str(name) for name in error["loc"])
        raise ScriptError(f"step {number}: {place}: {error['msg']}") from exc
