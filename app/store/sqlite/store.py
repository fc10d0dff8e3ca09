"""The store in a SQLite file, for any number of processes on one machine.

Reads and writes run in two threads, because readers of a write-ahead log never wait for
a lock. Every method except `delete` is one transaction. Expired rows are deleted when
the store is opened, and occasionally after a `create`, a few at a time.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from app.store import Batch, Conversation, Page, SlotTakenError, TurnHead
from app.store.cursor import decode
from app.store.rules import (
    check_batch,
    check_limit,
    check_slot,
    check_title,
    check_turn,
    check_turns_limit,
    is_possible,
    page,
    until_gap,
)
from app.store.sqlite import queries
from app.store.sqlite.schema import connect
from app.store.sqlite.worker import Worker

PURGE_EVERY = 60.0  # seconds
DELETE_AT_MOST = 100  # turns in one transaction, so that other writes wait only a few milliseconds
PURGE_AT_MOST = 50  # turns, and as many conversations


class SQLiteStore:
    """A Store (app.store) in a file.

    `connect` opens the file; `clock` returns the time.
    """

    def __init__(
        self,
        path: Path,
        *,
        connect: Callable[[Path], sqlite3.Connection] = connect,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Creates the file and its directory if they are missing. Blocks.

        Raises StoreSetupError if the file cannot be used, and StoreUnavailableError if
        another process keeps it locked.
        """
        self._clock = clock
        self._writes = Worker(partial(connect, path), "BEGIN IMMEDIATE")
        self._reads = Worker(partial(connect, path), "BEGIN")
        self._purge_at = clock() + PURGE_EVERY
        self._writes.run_blocking(self._purge)

    async def create(self, turn: TurnHead, title: str) -> TurnHead:
        check_turn(turn, title)
        now = self._clock()
        kept = await self._writes.run(lambda db: queries.create(db, turn, title, now))
        if now >= self._purge_at:
            self._purge_at = now + PURGE_EVERY
            self._writes.run_unattended(self._purge)
        return kept

    async def head(self, owner: str, turn_id: str) -> TurnHead | None:
        if not is_possible(owner, turn_id):
            return None
        now = self._clock()
        return await self._reads.run(lambda db: queries.head(db, owner, turn_id, now))

    async def append(self, turn: TurnHead, batch: Batch) -> bool:
        check_batch(batch)
        now = self._clock()
        stop = await self._writes.run(lambda db: queries.append(db, turn, batch, now))
        if stop is None:
            raise SlotTakenError
        return stop

    async def batches(self, turn: TurnHead, from_slot: int = 0) -> list[Batch]:
        check_slot(from_slot)
        now = self._clock()
        found = await self._reads.run(lambda db: queries.batches(db, turn, from_slot, now))
        return until_gap(found, from_slot)

    async def stop_requested(self, turn: TurnHead, slot: int) -> bool:
        check_slot(slot)
        now = self._clock()
        return await self._reads.run(lambda db: queries.stop_requested(db, turn, slot, now))

    async def request_stop(self, turn: TurnHead, slot: int) -> bool:
        check_slot(slot)
        now = self._clock()
        return await self._writes.run(lambda db: queries.request_stop(db, turn, slot, now))

    async def conversations(self, owner: str, limit: int, cursor: str | None = None) -> Page:
        check_limit(limit)
        after = decode(cursor) if cursor is not None else None
        now = self._clock()
        found = await self._reads.run(lambda db: queries.conversations(db, owner, limit + 1, after, now))
        return page(found, limit)

    async def conversation(self, owner: str, conversation_id: str) -> Conversation | None:
        if not is_possible(owner, conversation_id):
            return None
        now = self._clock()
        return await self._reads.run(lambda db: queries.conversation(db, owner, conversation_id, now))

    async def turns(
        self, owner: str, conversation_id: str, *, limit: int | None = None, after: TurnHead | None = None
    ) -> list[TurnHead]:
        check_turns_limit(limit)
        if not is_possible(owner, conversation_id):
            return []
        now = self._clock()
        job = partial(queries.turns, owner=owner, conversation_id=conversation_id, now=now, limit=limit, after=after)
        return await self._reads.run(job)

    async def rename(self, owner: str, conversation_id: str, title: str) -> bool:
        check_title(title)
        if not is_possible(owner, conversation_id):
            return False
        now = self._clock()
        return await self._writes.run(lambda db: queries.rename(db, owner, conversation_id, title, now))

    async def delete(self, owner: str, conversation_id: str) -> bool:
        if not is_possible(owner, conversation_id):
            return False
        now = self._clock()
        while True:
            deleted = await self._writes.run(lambda db: queries.delete(db, owner, conversation_id, DELETE_AT_MOST, now))
            if deleted is not None:
                return deleted

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writes.close()
        self._reads.close()

    def _purge(self, db: sqlite3.Connection) -> None:
        if queries.purge(db, PURGE_AT_MOST, self._clock()):
            self._purge_at = 0.0  # there are more: the next `create` purges again
