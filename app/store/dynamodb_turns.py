"""Turns, and what leads to them, in DynamoDB. All of it blocks.

A turn is written in an order that a crash leaves nothing half-made of: the conversation, the reference from there, and
last the head, which decides. So a reference may lead to no turn, or to one of another conversation: it is skipped. A
turn is deleted the other way round, so that what is left can be found again.
"""

from contextlib import suppress

from app.store import StoreUnavailableError, TurnHead
from app.store import dynamodb_conversations as conversations
from app.store import dynamodb_log as log
from app.store.dynamodb_items import (
    Key,
    check_item,
    expiry,
    head_key,
    head_values,
    id_of,
    is_alive,
    reference_key,
    to_head,
)
from app.store.dynamodb_table import ConditionFailedError, Table

ATTEMPTS = 5  # where others write or delete the same at the same moment


def create(table: Table, turn: TurnHead, title: str, now: float) -> TurnHead:
    """The turn that is kept: this one, or the one that is there."""
    check_item(head_key(turn.turn_id), head_values(turn))
    for _ in range(ATTEMPTS):
        if kept := find(table, turn.turn_id, now):
            return kept
        if _add(table, turn, title, now):
            return turn
    raise StoreUnavailableError(f"turn {turn.turn_id} comes and goes all the time")


def find(table: Table, turn_id: str, now: float) -> TurnHead | None:
    """The turn, whoever owns it."""
    values = table.get(head_key(turn_id))
    return to_head(values) if values and is_alive(values, now) else None


def listed(
    table: Table,
    owner: str,
    conversation_id: str,
    now: float,
    *,
    limit: int | None = None,
    after: TurnHead | None = None,
) -> list[TurnHead]:
    """At most `limit` of the conversation's turns, oldest first, those after a turn if one is given."""
    if conversations.find(table, owner, conversation_id, now) is None:
        return []
    found = _find_all(table, _references(table, owner, conversation_id, now), now).values()
    mine = [turn for turn in found if (turn.owner, turn.conversation_id) == (owner, conversation_id)]
    later = [turn for turn in mine if after is None or _place(turn) > _place(after)]
    return sorted(later, key=_place)[:limit]


def delete(table: Table, owner: str, conversation_id: str, now: float) -> bool:
    """Deletes until nothing is left, turns that are added meanwhile included. False where there was nothing."""
    for attempt in range(ATTEMPTS):
        counted = conversations.count(table, owner, conversation_id, now)
        turn_ids = _references(table, owner, conversation_id, now)
        if not counted and not turn_ids:
            return attempt > 0
        _erase_all(table, owner, conversation_id, turn_ids, now)
        conversations.remove(table, owner, conversation_id, counted)
    raise StoreUnavailableError(f"turns are being added to conversation {conversation_id} all the time")


def _add(table: Table, turn: TurnHead, title: str, now: float) -> bool:
    """False where another turn of this id has come first."""
    counted = conversations.count_in(table, turn, title, now)
    table.put(_reference(turn), {"x": expiry(turn)})
    try:
        table.put(head_key(turn.turn_id), head_values(turn), "attribute_not_exists(pk) OR x <= :now", now=now)
    except ConditionFailedError:
        _withdraw(table, turn, counted, now)
        return False
    return True


def _withdraw(table: Table, turn: TurnHead, counted: int, now: float) -> None:
    """Takes back what `_add` has written for a turn that was too late, unless it holds for the one that came first."""
    kept = find(table, turn.turn_id, now)
    if kept is None or _reference(kept) == _reference(turn):
        return
    table.delete_many([_reference(turn)])
    if counted == 1:
        conversations.remove(table, turn.owner, turn.conversation_id, counted)


def _erase_all(table: Table, owner: str, conversation_id: str, turn_ids: list[str], now: float) -> None:
    heads = _find_all(table, turn_ids, now)
    keys = {turn_id: reference_key(owner, conversation_id, turn_id) for turn_id in turn_ids}
    for turn_id, reference in keys.items():
        turn = heads.get(turn_id)
        if turn is None:
            log.sweep(table, turn_id)  # somebody deleted the head, and got no further
        elif _reference(turn) == reference:
            _erase(table, turn, now)
    table.delete_many(list(keys.values()))


def _erase(table: Table, turn: TurnHead, now: float) -> None:
    log.fence(table, turn, now)
    with suppress(ConditionFailedError):  # it has gone, or another turn has come with its id
        table.delete(head_key(turn.turn_id), "x = :x", x=expiry(turn))
    log.sweep(table, turn.turn_id)


def _references(table: Table, owner: str, conversation_id: str, now: float) -> list[str]:
    """The ids of turns that are, or were to be, in the conversation."""
    partition, _ = reference_key(owner, conversation_id, "")
    return [id_of(values) for values in table.query("pk = :pk", pk=partition) if is_alive(values, now)]


def _find_all(table: Table, turn_ids: list[str], now: float) -> dict[str, TurnHead]:
    found = table.get_many([head_key(turn_id) for turn_id in turn_ids])
    turns = [to_head(values) for values in found if is_alive(values, now)]
    return {turn.turn_id: turn for turn in turns}


def _place(turn: TurnHead) -> tuple[float, str]:
    return turn.created_at, turn.turn_id


def _reference(turn: TurnHead) -> Key:
    return reference_key(turn.owner, turn.conversation_id, turn.turn_id)
