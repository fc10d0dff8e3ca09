"""What both stores hold to, whatever their database. Pure; the checks raise ValueError, which says what is wrong."""

from collections.abc import Sequence

from app.store import MAX_BATCH_BYTES, Batch, Conversation, Page
from app.store.cursor import Position, encode

MAX_SLOT = 99_999_999  # the eight digits that a slot has in DynamoDB's key
MAX_PAGE = 1000


def check_slot(slot: int) -> None:
    if not 0 <= slot <= MAX_SLOT:
        raise ValueError(f"slot {slot} is not between 0 and {MAX_SLOT}")


def check_batch(batch: Batch) -> None:
    check_slot(batch.slot)
    if len(batch.data) > MAX_BATCH_BYTES:
        raise ValueError(f"a batch of {len(batch.data)} bytes: more than {MAX_BATCH_BYTES}")


def check_limit(limit: int) -> None:
    if not 1 <= limit <= MAX_PAGE:
        raise ValueError(f"a page of {limit} conversations: not between 1 and {MAX_PAGE}")


def check_turns_limit(limit: int | None) -> None:
    if limit is not None and limit < 1:
        raise ValueError(f"a page of {limit} turns")


def until_gap(found: Sequence[Batch], from_slot: int) -> list[Batch]:
    """Of batches in order, those that follow each other from this slot on."""
    # slots rise, so behind the first gap none is equal to its place again
    return [batch for slot, batch in enumerate(found, from_slot) if batch.slot == slot]


def page(found: list[Conversation], limit: int) -> Page:
    """A page of what was found when one more than `limit` was looked for."""
    if len(found) <= limit:
        return Page(found, None)
    last = found[limit - 1]
    return Page(found[:limit], encode(Position(last.updated_at, last.conversation_id)))
