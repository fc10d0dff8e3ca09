"""A turn's log in DynamoDB; each write is conditional, of one item.

All functions block.

A slot is free, has a request to stop (`s`), is claimed (`d`), or is the end of a
deleted turn (`k`). Expired items and items of an older generation are overwritten: a
write that sets `x`, and so revives an item, sets or removes all other attributes.
"""

import math
from collections.abc import Iterator, Mapping

from app.store import Batch, TurnHead
from app.store.dynamodb.items import (
    VERSION,
    Values,
    expiry,
    head_key,
    id_of,
    is_alive,
    key_of,
    log_key,
    log_sort_key,
    to_batch,
)
from app.store.dynamodb.table import ConditionFailedError, Table
from app.store.rules import MAX_SLOT

FENCED_FOR = 3600  # seconds; a live producer appends within a few seconds and finds the fence
_WITHOUT_DATA = {"ProjectionExpression": "pk, sk, w, f, g, k, x, v"}
_OLDER = "g < :g OR (attribute_not_exists(g) AND x < :g)"
_UNCLAIMED = f"attribute_not_exists(d) OR x <= :now OR {_OLDER}"
_OPEN = "attribute_not_exists(d) AND (attribute_not_exists(k) OR k <> :g)"
_SAME = "d = :d AND w = :w AND f = :f"
_OUTLIVED = f"attribute_exists(d) AND ({_OLDER} OR (x <= :now AND g <> :g))"
_CLAIMABLE = f"({_OPEN}) OR ({_SAME}) OR ({_OUTLIVED})"


def append(table: Table, turn: TurnHead, batch: Batch, now: float) -> bool | None:
    """Returns whether the slot had a request to stop; None if
    it is taken or the turn is gone.
    """
    generation = expiry(turn)
    if generation <= now:
        return None
    expires = generation if batch.expires_at is None else min(generation, math.ceil(batch.expires_at))
    claim = {
        "d": batch.data,
        "w": batch.writer,
        "l": batch.lease_until,
        "f": batch.final,
        "g": generation,
        "x": expires,
        "v": VERSION,
    }
    try:
        key = log_key(turn, batch.slot)
        before = table.update(key, _set(claim), _CLAIMABLE, "ALL_OLD", **claim, now=now)
    except ConditionFailedError:
        return None
    return bool(before.get("s") == generation)


def batches(table: Table, turn: TurnHead, from_slot: int, now: float) -> list[Batch]:
    """Returns the claimed slots from this one on, even after a gap."""
    return [
        to_batch(values)
        for values in _slots(table, turn, from_slot)
        if _is_claimed(values) and _is_of(turn, values) and is_alive(values, now)
    ]


def stop_requested(table: Table, turn: TurnHead, slot: int, now: float) -> bool:
    values = table.get(log_key(turn, slot))
    if values is None or not is_alive(values, now):
        return False
    return values.get("s") == expiry(turn) != values.get("k")  # a deleted turn is over


def request_stop(table: Table, turn: TurnHead, slot: int, now: float) -> bool:
    """Returns False if the slot is claimed."""
    generation = expiry(turn)
    return _mark(table, turn, slot, {"s": generation, "x": generation}, now)


def fence(table: Table, turn: TurnHead, now: float) -> None:
    """Claims the next slot, so that no producer continues a turn that is being
    deleted.
    """
    slots = _slots(table, turn, options=_WITHOUT_DATA)
    claimed = [values for values in slots if _is_claimed(values) and _is_of(turn, values) and is_alive(values, now)]
    if claimed and claimed[-1]["f"]:
        return
    slot = int(id_of(claimed[-1])) + 1 if claimed else 0
    fence = {"k": expiry(turn), "x": math.ceil(now) + FENCED_FOR}
    while not _mark(table, turn, slot, fence, now):
        slot += 1


def sweep(table: Table, partition: str) -> None:
    """Deletes the log except the fence, which expires by itself."""
    slots = _slots_in(table, partition, options=_WITHOUT_DATA)
    table.delete_many([key_of(values) for values in slots if _is_claimed(values) or "k" not in values])


def _slots(
    table: Table, turn: TurnHead, from_slot: int = 0, options: Mapping[str, object] | None = None
) -> Iterator[Values]:
    partition, _ = head_key(turn.owner, turn.turn_id, has_old_keys=turn.has_old_keys)
    return _slots_in(table, partition, from_slot, options)


def _slots_in(
    table: Table, partition: str, from_slot: int = 0, options: Mapping[str, object] | None = None
) -> Iterator[Values]:
    first, last = log_sort_key(from_slot), log_sort_key(MAX_SLOT)
    return table.query("pk = :pk AND sk BETWEEN :first AND :last", options, pk=partition, first=first, last=last)


def _is_claimed(values: Values) -> bool:
    return "w" in values  # like `d`, which is not always read


def _is_of(turn: TurnHead, values: Values) -> bool:
    """Whether a batch is of this generation; a batch of 0.1.0 has it in `x`."""
    return bool(values.get("g", values["x"]) == expiry(turn))


def _mark(table: Table, turn: TurnHead, slot: int, marks: Values, now: float) -> bool:
    """Sets marks in a slot. Returns False if it is claimed."""
    new = marks | {"v": VERSION}
    try:
        expression = f"{_set(new)} REMOVE d, w, l, f, g"
        table.update(log_key(turn, slot), expression, _UNCLAIMED, **new, g=expiry(turn), now=now)
    except ConditionFailedError:
        return False
    return True


def _set(values: Values) -> str:
    return "SET " + ", ".join(f"{name} = :{name}" for name in values)
