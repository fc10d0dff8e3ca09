"""The content of output items, as upstream sends them in `done` events and at the end.

Pure.

The input is JSON of any shape; what is not text of the answer is left out (OpenAI API
reference, "The response object").
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from app.upstream.channel import Number
from app.upstream.surrogates import well_formed

Upstream = Mapping[str, Any]
NOT_THE_MODEL = frozenset({"user", "system", "developer", "tool"})  # some servers repeat the input


class Voice(StrEnum):
    """The kinds of text of an answer."""

    TEXT = "text"
    REFUSAL = "refusal"
    REASONING = "reasoning"


class Piece(NamedTuple):
    """The well-formed text of one part. `number` is the part's number in its item."""

    voice: Voice
    number: Number
    text: str
    annotations: Sequence[object] = ()


VOICES: Mapping[object, Voice] = {
    "output_text": Voice.TEXT,
    "text": Voice.TEXT,
    "refusal": Voice.REFUSAL,
    "reasoning_text": Voice.REASONING,
    "summary_text": Voice.REASONING,
}


def pieces_of_item(item: object) -> list[Piece]:
    """Yields the parts of a message or of reasoning; none of any other item."""
    if isinstance(item, str):
        return pieces_of_content(item)
    if not isinstance(item, Mapping):
        return []
    kind = item.get("type") or "message"
    if kind == "message":
        return [] if text_of(item, "role") in NOT_THE_MODEL else pieces_of_content(item.get("content"))
    if kind == "reasoning":
        summary = pieces_of_content(item.get("summary"), "summary_index", Voice.REASONING)
        content = pieces_of_content(item.get("content"), "content_index", Voice.REASONING)
        return summary if _texts(summary) == _texts(content) else summary + content
    return pieces_of_content(item) if text_of(item, "type") in VOICES else []


def pieces_of_content(content: object, field: str = "content_index", voice: Voice | None = None) -> list[Piece]:
    """Returns the parts in the content of an item: a list,
    one part, or its text alone.
    """
    parts = content if isinstance(content, list) else [content]
    pieces = (piece_of_part(part, (field, number), voice) for number, part in enumerate(parts))
    return [piece for piece in pieces if piece]


def piece_of_part(part: object, number: Number, voice: Voice | None = None) -> Piece | None:
    """Returns the piece of a part; `voice` is given if the item decides about it."""
    if isinstance(part, str):
        return Piece(voice or Voice.TEXT, number, well_formed(part))
    if not isinstance(part, Mapping):
        return None
    voice = voice or VOICES.get(text_of(part, "type") or ("refusal" if "refusal" in part else "text"))
    text = text_of(part, "refusal" if voice is Voice.REFUSAL else "text")
    annotations = part.get("annotations")
    if voice is None or text is None:
        return None
    return Piece(voice, number, well_formed(text), annotations if isinstance(annotations, list) else ())


def entries_of(response: Upstream) -> Iterator[tuple[object, list[Piece]]]:
    """Yields each output item with its pieces.

    `output_text`, which the SDKs add, counts if there is no other text.
    """
    output = response.get("output")
    entries = [(item, pieces_of_item(item)) for item in (output if isinstance(output, list) else [output])]
    yield from entries
    if not any(piece.voice is Voice.TEXT and piece.text for _, pieces in entries for piece in pieces):
        yield {}, pieces_of_content(response.get("output_text"))


def text_of(json: Upstream, field: str) -> str | None:
    """Returns the field's value if it is a text."""
    value = json.get(field)
    return value if isinstance(value, str) else None


def _texts(pieces: Iterable[Piece]) -> list[str]:
    return [piece.text for piece in pieces]
