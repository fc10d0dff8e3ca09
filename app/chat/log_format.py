"""Events as the data of a batch, and back. Pure.

A batch is one JSON array: the sequence number of its first event, then its events in
order. Text, the most frequent, is a plain string; every other event is an object with
its name under `event`. So a batch of 25 tokens takes about 200 bytes; one write unit of
DynamoDB has 1024.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from app.contract import EVENTS, End, Event, Reasoning, Refusal, Status, Text

Numbered = tuple[int, Event]
MAX_BATCH = 256 * 1024  # bytes; a store takes 300 KiB
MAX_EVENTS = 1024  # of one batch: encoding or decoding them takes a few milliseconds
MAX_DELTA = 32 * 1024  # characters of one event; JSON has at most six bytes for each


def encode(first_seq: int, events: Iterable[Event]) -> bytes:
    """Returns the data of a batch that begins with the event number `first_seq`."""
    return to_json([first_seq, *map(_to_plain, events)])


def encode_batches(first_seq: int, events: Sequence[Event]) -> Iterator[tuple[bytes, int]]:
    """Yields the data of each batch, with its number of events.

    Each has at most MAX_EVENTS events and MAX_BATCH bytes, or a single event. No events
    make one empty batch, which renews the producer's lease.
    """
    half = len(events) // 2
    if len(events) <= MAX_EVENTS:
        data = encode(first_seq, events)
        if len(data) <= MAX_BATCH or not half:
            yield data, len(events)
            return
    yield from encode_batches(first_seq, events[:half])
    yield from encode_batches(first_seq + half, events[half:])


def split_long(event: Event) -> Iterable[Event]:
    """Returns the event, or several events with parts of its
    text if that exceeds MAX_DELTA.
    """
    if not isinstance(event, Text | Reasoning | Refusal) or len(event.delta) <= MAX_DELTA:
        return (event,)
    cuts = range(0, len(event.delta), MAX_DELTA)
    return [event.model_copy(update={"delta": event.delta[cut : cut + MAX_DELTA]}) for cut in cuts]


def decode(data: bytes) -> list[Numbered]:
    """Returns the events of a batch, each with its number.

    A newer version may have written it: unknown fields are dropped, and an unknown or
    unreadable event becomes an empty text, so that the numbers stay right. Raises
    ValueError, whose text has no part of the data, if it is not a batch.
    """
    first_seq, plain = _split(from_json(data))
    return [(first_seq + offset, _from_plain(item)) for offset, item in enumerate(plain)]


def join_texts(events: Iterable[Numbered]) -> list[Numbered]:
    """Joins adjacent texts into one, which has the number of the first."""
    result: list[Numbered] = []
    for is_text, group in groupby(events, lambda numbered: isinstance(numbered[1], Text)):
        if not is_text:
            result.extend(group)
            continue
        numbers, texts = zip(*group, strict=True)
        result.append((numbers[0], Text(delta="".join(text.delta for text in texts))))
    return result


def _split(batch: Any) -> tuple[int, list[Any]]:  # noqa: ANN401 - JSON
    match batch:
        case [int(first_seq), *plain] if first_seq >= 0:
            return first_seq, plain
    raise ValueError("not a batch of events")


def _to_plain(event: Event) -> Any:  # noqa: ANN401 - JSON
    if isinstance(event, Text):
        return event.delta
    return {"event": event.event, **event.model_dump(mode="json", exclude_none=True)}


def _from_plain(item: Any) -> Event:  # noqa: ANN401 - JSON
    match item:
        case str():
            return Text(delta=item)
        case {"event": "end"}:
            return _known(End, item) or _unreadable_end(item)
        case {"event": str(name)} if name in EVENTS:
            return _known(EVENTS[name], item) or NOTHING
    return NOTHING


def _known(kind: type[Event], item: Any) -> Event | None:  # noqa: ANN401 - JSON
    try:
        return kind.model_validate(item, extra="ignore")
    except ValidationError:
        return None


def _unreadable_end(item: Mapping[str, object]) -> End:
    known = [status for status in Status if status == item.get("status")]
    return UNREADABLE.model_copy(update={"status": known[0]} if known else {})


NOTHING = Text(delta="")
UNREADABLE = End(status=Status.INCOMPLETE, reason="unreadable")
