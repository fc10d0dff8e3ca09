"""Rules of all stores. Pure; the checks raise ValueError, which names what is wrong.

The limits are DynamoDB's (developer guide, "Constraints in Amazon DynamoDB"), with room
for the rest of a key or an item: keys of 2048 and 1024 bytes, items of 400 KB, numbers
of 38 digits. SQLite has the same limits, so that a request succeeds on both stores or
on none.
"""

import math
from collections.abc import Sequence

from app.store import MAX_BATCH_BYTES, Batch, Conversation, Page, TurnHead
from app.store.cursor import MAX_ID_BYTES, MIN_TIME, Position, encode

MAX_OWNER_BYTES = 500  # escaped up to three times as many, beside an id in a key
MAX_TEXT_BYTES = 405_000  # of all texts in one item
MAX_TIME = 1e15  # every whole second up to here is an exact float
MAX_SLOT = 99_999_999  # the eight digits that a slot has in DynamoDB's key
MAX_PAGE = 1000


def is_possible(owner: str, some_id: str) -> bool:
    """Whether an object of this owner can have this id."""
    return 0 < _size(owner) <= MAX_OWNER_BYTES and 0 < _size(some_id) <= MAX_ID_BYTES


def check_turn(turn: TurnHead, title: str) -> None:
    check_title(title)
    ids = (turn.turn_id, turn.conversation_id, turn.parent_turn_id or turn.turn_id)
    if not all(is_possible(turn.owner, some_id) for some_id in ids):
        raise ValueError(f"an id is empty or too long: more than {MAX_ID_BYTES} bytes, an owner {MAX_OWNER_BYTES}")
    _check_times(turn.created_at, turn.expires_at)
    _check_text(*ids, turn.owner, turn.producer, turn.message, turn.model, turn.instructions or "")


def check_title(title: str) -> None:
    _check_text(title)


def check_slot(slot: int) -> None:
    if not 0 <= slot <= MAX_SLOT:
        raise ValueError(f"slot {slot} is not between 0 and {MAX_SLOT}")


def check_batch(batch: Batch) -> None:
    check_slot(batch.slot)
    _check_times(batch.lease_until, batch.lease_until if batch.expires_at is None else batch.expires_at)
    if len(batch.data) > MAX_BATCH_BYTES:
        raise ValueError(f"a batch of {len(batch.data)} bytes: more than {MAX_BATCH_BYTES}")


def check_limit(limit: int) -> None:
    if not 1 <= limit <= MAX_PAGE:
        raise ValueError(f"a page of {limit} conversations: not between 1 and {MAX_PAGE}")


def check_turns_limit(limit: int | None) -> None:
    if limit is not None and limit < 1:
        raise ValueError(f"a page of {limit} turns")


def until_gap(found: Sequence[Batch], from_slot: int) -> list[Batch]:
    """Returns the batches from this slot up to the first gap."""
    # slots increase, so after the first gap no slot matches its index
    return [batch for slot, batch in enumerate(found, from_slot) if batch.slot == slot]


def page(found: list[Conversation], limit: int) -> Page:
    """Returns a page from at most `limit` + 1 found conversations."""
    if len(found) <= limit:
        return Page(found, None)
    last = found[limit - 1]
    return Page(found[:limit], encode(Position(last.updated_at, last.conversation_id)))


def _check_times(*times: float) -> None:
    for time in times:
        if not (time == 0 or MIN_TIME <= time <= MAX_TIME):
            raise ValueError(f"{time} is not a time between 0 and {MAX_TIME:.0f}")


def _check_text(*texts: str) -> None:
    size = sum(map(_size, texts))
    if size > MAX_TEXT_BYTES:
        raise ValueError(f"texts of {size} bytes: more than {MAX_TEXT_BYTES}")


def _size(text: str) -> float:
    """Returns the bytes in UTF-8; infinite if the text has half a surrogate pair."""
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        return math.inf
