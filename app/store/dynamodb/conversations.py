"""Conversations as lines of their owner's list, in DynamoDB. All functions block.

A line counts the turns that were added to it (`n`); a delete can then detect a turn
that was added concurrently.
"""

from contextlib import suppress
from itertools import islice

from app.store import Conversation, StoreUnavailableError, TurnHead
from app.store.cursor import Position
from app.store.dynamodb.items import (
    INDEX,
    VERSION,
    Key,
    Values,
    conversation_key,
    encode,
    expiry,
    is_alive,
    to_conversation,
    to_key,
)
from app.store.dynamodb.table import ConditionFailedError, Table

ATTEMPTS = 5  # if other processes write the same item concurrently


def count_in(table: Table, turn: TurnHead, title: str, now: float) -> int:
    """Creates or updates the turn's conversation.

    Returns the number of its turns, this one included.
    """
    key = conversation_key(turn.owner, turn.conversation_id)
    updated_at, expires = turn.created_at, expiry(turn)
    for _ in range(ATTEMPTS):
        new = {"h": title, "t": turn.created_at, "u": updated_at, "x": expires, "v": VERSION}
        try:
            return _upsert(table, key, new, now)
        except ConditionFailedError:
            found = table.get(key)
        if found and is_alive(found, now):
            if updated_at <= found["u"] and expires <= found["x"]:
                with suppress(ConditionFailedError):  # it has been deleted
                    return _add_one(table, key, found, now)
            updated_at, expires = max(updated_at, found["u"]), max(expires, found["x"])
        elif found:
            with suppress(ConditionFailedError):
                table.delete(key, "x <= :now", now=now)
    raise StoreUnavailableError(f"conversation {turn.conversation_id}: too many concurrent changes")


def find(table: Table, owner: str, conversation_id: str, now: float) -> Conversation | None:
    values = table.get(conversation_key(owner, conversation_id))
    return to_conversation(owner, values) if values and is_alive(values, now) else None


def list_conversations(table: Table, owner: str, limit: int, after: Position | None, now: float) -> list[Conversation]:
    """Returns at most `limit` conversations, the last updated first, after a
    position.
    """
    partition, _ = conversation_key(owner, "")
    options: dict[str, object] = {"IndexName": INDEX, "ScanIndexForward": False, "Limit": limit}
    if after:
        key = conversation_key(owner, after.conversation_id)
        options["ExclusiveStartKey"] = to_key(key) | encode({"u": after.updated_at})
    found = table.query("pk = :pk", options, pk=partition)
    return list(islice((to_conversation(owner, values) for values in found if is_alive(values, now)), limit))


def rename(table: Table, owner: str, conversation_id: str, title: str, now: float) -> bool:
    """Returns False if there is no such conversation."""
    key = conversation_key(owner, conversation_id)
    try:
        table.update(key, "SET h = :h", "x > :now", h=title, now=now)
    except ConditionFailedError:
        return False
    return True


def expire_early(table: Table, turn: TurnHead, expires: int) -> None:
    """Lets the conversation of this turn expire early, unless it has other turns."""
    key = conversation_key(turn.owner, turn.conversation_id)
    values = table.get(key)  # costs a fifth of a write that fails
    if values and values["n"] == 1:
        with suppress(ConditionFailedError):
            table.update(key, "SET x = :x", "n = :one AND t = :t AND x > :x", one=1, t=turn.created_at, x=expires)


def count(table: Table, owner: str, conversation_id: str, now: float) -> int:
    """Returns the number of turns; 0 if there is no such conversation."""
    values = table.get(conversation_key(owner, conversation_id))
    return int(values["n"]) if values and is_alive(values, now) else 0


def remove(table: Table, owner: str, conversation_id: str, turns: int) -> None:
    """Removes the line, unless it has more than this number of turns."""
    with suppress(ConditionFailedError):
        table.delete(conversation_key(owner, conversation_id), "n = :n", n=turns)


def _add_one(table: Table, key: Key, found: Values, now: float) -> int:
    """Counts a turn that does not change the times, whatever other turns change."""
    condition = "x > :now AND u >= :u AND x >= :x"
    changed = table.update(key, "ADD n :one", condition, "UPDATED_NEW", one=1, u=found["u"], x=found["x"], now=now)
    return int(changed["n"])


def _upsert(table: Table, key: Key, new: Values, now: float) -> int:
    changed = table.update(
        key,
        "SET h = if_not_exists(h, :h), t = if_not_exists(t, :t), u = :u, x = :x, v = :v ADD n :one",
        "attribute_not_exists(pk) OR (x > :now AND u <= :u AND x <= :x)",
        "UPDATED_NEW",
        **new,
        one=1,
        now=now,
    )
    return int(changed["n"])
