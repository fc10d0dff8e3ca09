"""A turn's log in DynamoDB: each write is a conditional one of one item. All of it blocks.

A slot is free, asked to stop (`s`), claimed (`d`), or the end of a deleted turn (`k`). What has expired is written over
as if it were not there: a write that gives an item another `x`, and so makes it live again, sets or removes the rest.
"""

import math
from collections.abc import Iterator, Mapping

from app.store import Batch, TurnHead
from app.store.dynamodb_items import VERSION, Values, expiry, id_of, is_alive, key_of, log_key, to_batch
from app.store.dynamodb_table import ConditionFailedError, Table
from app.store.rules import MAX_SLOT

FENCED_FOR = 3600  # seconds; a producer that is alive appends every few, and then finds out
_WITHOUT_DATA = {"ProjectionExpression": "pk, sk, w, f, k, x, v"}
_UNCLAIMED = "attribute_not_exists(d) OR x <= :now"
_OPEN = "attribute_not_exists(d) AND (attribute_not_exists(k) OR k <> :x)"
_SAME = "d = :d AND w = :w AND f = :f"
_CLAIMABLE = f"({_OPEN}) OR ({_SAME}) OR x <= :now"


def append(table: Table, turn: TurnHead, batch: Batch, now: float) -> bool | None:
    """Whether a request to stop lay in the slot; None where another batch lies there, or the turn is gone."""
    generation = expiry(turn)
    if generation <= now:
        return None
    claim = {
        "d": batch.data,
        "w": batch.writer,
        "l": batch.lease_until,
        "f": batch.final,
        "x": generation,
        "v": VERSION,
    }
    try:
        key = log_key(turn.turn_id, batch.slot)
        before = table.update(key, _set(claim), _CLAIMABLE, "ALL_OLD", **claim, now=now)
    except ConditionFailedError:
        return None
    return bool(before.get("s") == generation)


def batches(table: Table, turn: TurnHead, from_slot: int, now: float) -> list[Batch]:
    """The claimed slots from this one on, gaps included."""
    return [
        to_batch(values)
        for values in _slots(table, turn.turn_id, from_slot)
        if _is_claimed(values) and is_alive(values, now)
    ]


def stop_requested(table: Table, turn: TurnHead, slot: int, now: float) -> bool:
    values = table.get(log_key(turn.turn_id, slot))
    return values is not None and is_alive(values, now) and values.get("s") == values["x"]


def request_stop(table: Table, turn: TurnHead, slot: int, now: float) -> bool:
    """False where the slot is claimed."""
    generation = expiry(turn)
    return _mark(table, turn, slot, {"s": generation, "x": generation}, now)


def fence(table: Table, turn: TurnHead, now: float) -> None:
    """Takes the slot that comes next, so that nobody goes on with a turn that is to be deleted."""
    slots = _slots(table, turn.turn_id, options=_WITHOUT_DATA)
    claimed = [values for values in slots if _is_claimed(values) and is_alive(values, now)]
    if claimed and claimed[-1]["f"]:
        return
    slot = int(id_of(claimed[-1])) + 1 if claimed else 0
    fence = {"k": expiry(turn), "x": math.ceil(now) + FENCED_FOR}
    while not _mark(table, turn, slot, fence, now):
        slot += 1


def sweep(table: Table, turn_id: str) -> None:
    """Deletes the log but for what `fence` has laid, which expires by itself."""
    slots = _slots(table, turn_id, options=_WITHOUT_DATA)
    table.delete_many([key_of(values) for values in slots if _is_claimed(values) or "k" not in values])


def _slots(
    table: Table, turn_id: str, from_slot: int = 0, options: Mapping[str, object] | None = None
) -> Iterator[Values]:
    partition, first = log_key(turn_id, from_slot)
    _, last = log_key(turn_id, MAX_SLOT)
    return table.query("pk = :pk AND sk BETWEEN :first AND :last", options, pk=partition, first=first, last=last)


def _is_claimed(values: Values) -> bool:
    return "w" in values  # as `d`, which is not always read


def _mark(table: Table, turn: TurnHead, slot: int, marks: Values, now: float) -> bool:
    """Puts marks into a slot. False where it is claimed."""
    new = marks | {"v": VERSION}
    try:
        table.update(log_key(turn.turn_id, slot), f"{_set(new)} REMOVE d, w, l, f", _UNCLAIMED, **new, now=now)
    except ConditionFailedError:
        return False
    return True


def _set(values: Values) -> str:
    return "SET " + ", ".join(f"{name} = :{name}" for name in values)
