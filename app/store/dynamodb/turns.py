"""Turns and their references in DynamoDB. All functions block.

A turn is written as the conversation, then its reference, and last the head, which
decides: a crash leaves no partial turn. A reference may lead to no turn or to another
one, and is skipped then. A turn is deleted in the reverse order, so that a repeated
call finds the rest.
"""

import math
from contextlib import suppress
from itertools import islice

from app.store import StoreUnavailableError, TurnHead
from app.store.dynamodb import conversations, log
from app.store.dynamodb.items import (
    Key,
    Reference,
    expiry,
    head_key,
    head_values,
    is_alive,
    reference_key,
    reference_of,
    to_head,
)
from app.store.dynamodb.references import References
from app.store.dynamodb.table import GET_AT_MOST, WRITE_AT_MOST, ConditionFailedError, Table

ATTEMPTS = 5  # if other processes write or delete the same items concurrently


def create(table: Table, turn: TurnHead, title: str, now: float) -> TurnHead:
    """Returns the stored turn: this one, or an earlier one with the same id."""
    for _ in range(ATTEMPTS):
        if kept := find(table, turn.owner, turn.turn_id, now):
            return kept
        if _add(table, turn, title, now):
            return turn
    raise StoreUnavailableError(f"turn {turn.turn_id}: too many concurrent changes")


def find(table: Table, owner: str, turn_id: str, now: float) -> TurnHead | None:
    """Returns the owner's turn, also if version 0.1.0 stored it."""
    found = table.get_many([head_key(owner, turn_id, has_old_keys=has_old_keys) for has_old_keys in (False, True)])
    turns = [to_head(values) for values in found if is_alive(values, now)]
    mine = [turn for turn in turns if turn.owner == owner]
    return min(mine, key=lambda turn: turn.has_old_keys, default=None)


def list_turns(
    table: Table,
    owner: str,
    conversation_id: str,
    now: float,
    *,
    limit: int | None = None,
    after: TurnHead | None = None,
) -> list[TurnHead]:
    """Returns at most `limit` turns, oldest first, after a turn if it is given."""
    if conversations.find(table, owner, conversation_id, now) is None:
        return []
    references = References(table, owner, conversation_id, now)
    at_once = min(limit or GET_AT_MOST, GET_AT_MOST)
    found = references.in_order(reference_of(after) if after else None, at_once)
    with_heads = references.with_heads(found, at_once)
    turns = (turn for reference, turn in with_heads if turn and references.is_of(turn, reference))
    return list(islice(turns, limit))


def expire_early(table: Table, turn: TurnHead, expires_at: float) -> None:
    """Lets the turn expire early, and its conversation if it has no other turn."""
    expires = math.ceil(expires_at)
    with suppress(ConditionFailedError):  # it is gone, or expires even earlier
        table.update(_key(turn), "SET x = :x", "e = :e AND x > :x", e=turn.expires_at, x=expires)
    conversations.expire_early(table, turn, expires)


def delete(table: Table, owner: str, conversation_id: str, now: float) -> bool:
    """Deletes until nothing is left, turns added concurrently included.

    Returns False if there was nothing.
    """
    references = References(table, owner, conversation_id, now)
    for attempt in range(ATTEMPTS):
        counted = conversations.count(table, owner, conversation_id, now)
        found = list(references.in_any_order())
        if not counted and not found:
            return attempt > 0
        for first in range(0, len(found), WRITE_AT_MOST):
            _erase_all(references, found[first : first + WRITE_AT_MOST])
        conversations.remove(table, owner, conversation_id, counted)
    raise StoreUnavailableError(f"conversation {conversation_id}: too many concurrent changes")


def _add(table: Table, turn: TurnHead, title: str, now: float) -> bool:
    """Returns False if another turn has this id."""
    counted = conversations.count_in(table, turn, title, now)
    table.put(_reference(turn), {"x": expiry(turn)})
    try:
        table.put(_key(turn), head_values(turn), "attribute_not_exists(pk) OR x <= :now", now=now)
    except ConditionFailedError:
        _withdraw(table, turn, counted, now)
        return False
    return True


def _withdraw(table: Table, turn: TurnHead, counted: int, now: float) -> None:
    """Removes what `_add` has written, unless the earlier turn needs it."""
    kept = find(table, turn.owner, turn.turn_id, now)
    if kept is None or _reference(kept) == _reference(turn):
        return
    table.delete_many([_reference(turn)])
    if counted == 1:
        conversations.remove(table, turn.owner, turn.conversation_id, counted)


def _erase_all(references: References, some: list[Reference]) -> None:
    for reference, turn in references.with_heads(some):
        if turn is None:
            partition, _ = references.head_key(reference)
            log.sweep(references.table, partition)  # another deletion stopped after the head
        elif references.is_of(turn, reference):
            _erase(references.table, turn, references.now)
    references.delete(some)


def _erase(table: Table, turn: TurnHead, now: float) -> None:
    log.fence(table, turn, now)
    with suppress(ConditionFailedError):  # it is gone, or another turn has its id
        table.delete(_key(turn), "e = :e", e=turn.expires_at)
    log.sweep(table, _key(turn)[0])


def _key(turn: TurnHead) -> Key:
    return head_key(turn.owner, turn.turn_id, has_old_keys=turn.has_old_keys)


def _reference(turn: TurnHead) -> Key:
    return reference_key(turn.owner, turn.conversation_id, reference_of(turn))
