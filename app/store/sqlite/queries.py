"""The statements of the SQLite store, inside a transaction that the caller opens.

Rows that have expired by `now` count as missing. Each function is a few statements on
an index, so none blocks for long.
"""

# ruff: noqa: S608 - statements consist of this module's constants; outside values are bound
import sqlite3
from dataclasses import fields
from operator import attrgetter

from app.store import Batch, Conversation, TurnHead
from app.store.cursor import Position

_TURN_FIELDS = [field.name for field in fields(TurnHead) if field.compare]
_TURN = ", ".join(_TURN_FIELDS)
_TURN_VALUES = ", ".join("?" for _ in _TURN_FIELDS)
_values_of = attrgetter(*_TURN_FIELDS)
_CONVERSATION = ", ".join(field.name for field in fields(Conversation))
_ALIVE_CONVERSATION = "owner = ? AND conversation_id = ? AND expires_at > ?"
_ALIVE_TURN = "owner = ? AND turn_id = ? AND forget_at > ?"


def create(db: sqlite3.Connection, turn: TurnHead, title: str, now: float) -> TurnHead:
    """Returns the stored turn: this one, or an earlier one with the same id."""
    if kept := head(db, turn.owner, turn.turn_id, now):
        return kept
    ids = (turn.owner, turn.conversation_id)
    db.execute("DELETE FROM turn WHERE owner = ? AND turn_id = ?", (turn.owner, turn.turn_id))
    db.execute("DELETE FROM conversation WHERE owner = ? AND conversation_id = ? AND expires_at <= ?", (*ids, now))
    db.execute(
        """INSERT INTO conversation (owner, conversation_id, title, created_at, updated_at, expires_at)
        VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (owner, conversation_id) DO UPDATE SET
        updated_at = max(updated_at, excluded.updated_at), expires_at = max(expires_at, excluded.expires_at)""",
        (*ids, title, turn.created_at, turn.created_at, turn.expires_at),
    )
    db.execute(
        f"INSERT INTO turn ({_TURN}, forget_at) VALUES ({_TURN_VALUES}, ?)", (*_values_of(turn), turn.expires_at)
    )
    return turn


def head(db: sqlite3.Connection, owner: str, turn_id: str, now: float) -> TurnHead | None:
    found = db.execute(f"SELECT {_TURN} FROM turn WHERE {_ALIVE_TURN}", (owner, turn_id, now)).fetchone()
    return TurnHead(*found) if found else None


def append(db: sqlite3.Connection, turn: TurnHead, batch: Batch, now: float) -> bool | None:
    """Returns whether the slot had a request to stop; None if
    it is taken or the turn is gone.
    """
    claimed = db.execute(
        f"""INSERT INTO log (turn_key, slot, data, writer, lease_until, final)
        SELECT key, ?, ?, ?, ?, ? FROM turn WHERE {_ALIVE_TURN} AND created_at = ?
        ON CONFLICT (turn_key, slot) DO UPDATE SET
        data = excluded.data, writer = excluded.writer, lease_until = excluded.lease_until, final = excluded.final
        WHERE data IS NULL OR (data = excluded.data AND writer = excluded.writer AND final = excluded.final)""",
        (
            *(batch.slot, batch.data, batch.writer, batch.lease_until, batch.final),
            *(turn.owner, turn.turn_id, now, turn.created_at),
        ),
    ).rowcount
    if not claimed:
        return None
    if batch.expires_at is not None:
        _expire_early(db, turn, batch.expires_at)
    return stop_requested(db, turn, batch.slot, now)


def batches(db: sqlite3.Connection, turn: TurnHead, from_slot: int, now: float) -> list[Batch]:
    """Returns the claimed slots from this one on, even after a gap."""
    found = db.execute(
        f"""SELECT slot, data, writer, lease_until, final FROM log JOIN turn ON turn_key = key
        WHERE {_ALIVE_TURN} AND slot >= ? AND data IS NOT NULL ORDER BY slot""",
        (turn.owner, turn.turn_id, now, from_slot),
    )
    return [Batch(slot, data, writer, lease_until, bool(final)) for slot, data, writer, lease_until, final in found]


def stop_requested(db: sqlite3.Connection, turn: TurnHead, slot: int, now: float) -> bool:
    found = db.execute(
        f"SELECT stop FROM log JOIN turn ON turn_key = key WHERE {_ALIVE_TURN} AND slot = ?",
        (turn.owner, turn.turn_id, now, slot),
    ).fetchone()
    return bool(found and found[0])


def request_stop(db: sqlite3.Connection, turn: TurnHead, slot: int, now: float) -> bool:
    if head(db, turn.owner, turn.turn_id, now) is None:
        return True
    laid = db.execute(
        f"""INSERT INTO log (turn_key, slot, stop) SELECT key, ?, 1 FROM turn WHERE {_ALIVE_TURN}
        ON CONFLICT (turn_key, slot) DO UPDATE SET stop = 1 WHERE data IS NULL""",
        (slot, turn.owner, turn.turn_id, now),
    )
    return laid.rowcount == 1


def conversations(
    db: sqlite3.Connection, owner: str, limit: int, after: Position | None, now: float
) -> list[Conversation]:
    """Returns at most `limit` conversations, after a position if it is given."""
    rest = "AND (updated_at, conversation_id) < (?, ?)" if after else ""
    found = db.execute(
        f"""SELECT {_CONVERSATION} FROM conversation WHERE owner = ? AND expires_at > ? {rest}
        ORDER BY updated_at DESC, conversation_id DESC LIMIT ?""",
        (owner, now, *(after or ()), limit),
    )
    return [Conversation(*row) for row in found]


def conversation(db: sqlite3.Connection, owner: str, conversation_id: str, now: float) -> Conversation | None:
    found = db.execute(
        f"SELECT {_CONVERSATION} FROM conversation WHERE {_ALIVE_CONVERSATION}", (owner, conversation_id, now)
    ).fetchone()
    return Conversation(*found) if found else None


def turns(
    db: sqlite3.Connection,
    owner: str,
    conversation_id: str,
    now: float,
    *,
    limit: int | None,
    after: TurnHead | None,
) -> list[TurnHead]:
    """Returns at most `limit` turns, oldest first, after a turn if it is given."""
    rest = "AND (created_at, turn_id) > (?, ?)" if after else ""
    position = (after.created_at, after.turn_id) if after else ()
    found = db.execute(
        f"""SELECT {_TURN} FROM turn WHERE owner = ? AND conversation_id = ? AND forget_at > ? {rest}
        ORDER BY created_at, turn_id LIMIT ?""",
        (owner, conversation_id, now, *position, -1 if limit is None else limit),
    )
    return [TurnHead(*row) for row in found]


def rename(db: sqlite3.Connection, owner: str, conversation_id: str, title: str, now: float) -> bool:
    renamed = db.execute(
        f"UPDATE conversation SET title = ? WHERE {_ALIVE_CONVERSATION}", (title, owner, conversation_id, now)
    )
    return renamed.rowcount == 1


def delete(db: sqlite3.Connection, owner: str, conversation_id: str, limit: int, now: float) -> bool | None:
    """Deletes at most `limit` turns with their logs.

    Returns None if there may be more turns. Otherwise it deletes the conversation and
    returns whether it existed.
    """
    ids = (owner, conversation_id)
    turns = db.execute(
        "DELETE FROM turn WHERE key IN (SELECT key FROM turn WHERE owner = ? AND conversation_id = ? LIMIT ?)",
        (*ids, limit),
    )
    if turns.rowcount == limit:
        return None
    return db.execute(f"DELETE FROM conversation WHERE {_ALIVE_CONVERSATION}", (*ids, now)).rowcount == 1


def purge(db: sqlite3.Connection, limit: int, now: float) -> bool:
    """Deletes at most `limit` expired turns and conversations.

    Returns whether there may be more.
    """
    turns = db.execute(
        "DELETE FROM turn WHERE key IN (SELECT key FROM turn WHERE forget_at <= ? LIMIT ?)", (now, limit)
    )
    conversations = db.execute(
        """DELETE FROM conversation WHERE (owner, conversation_id) IN
        (SELECT owner, conversation_id FROM conversation WHERE expires_at <= ? LIMIT ?)""",
        (now, limit),
    )
    return limit in (turns.rowcount, conversations.rowcount)


def _expire_early(db: sqlite3.Connection, turn: TurnHead, expires_at: float) -> None:
    """Lets the turn expire early, and its conversation with the last of its turns."""
    db.execute(
        "UPDATE turn SET forget_at = min(forget_at, ?) WHERE owner = ? AND turn_id = ?",
        (expires_at, turn.owner, turn.turn_id),
    )
    ids = (turn.owner, turn.conversation_id)
    db.execute(
        """UPDATE conversation SET expires_at =
        (SELECT max(forget_at) FROM turn WHERE owner = ? AND conversation_id = ?)
        WHERE owner = ? AND conversation_id = ?""",
        (*ids, *ids),
    )
