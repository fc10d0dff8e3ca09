"""The store in one DynamoDB table, for any number of processes.

The operations are in log, turns and conversations. This module runs them in threads,
because boto3 blocks. Each method is one job in one thread.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from app.store import Batch, Conversation, Page, SlotTakenError, TurnHead
from app.store.cursor import decode
from app.store.dynamodb import conversations, log, turns
from app.store.dynamodb.table import Table
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

THREADS = 8
P = ParamSpec("P")
T = TypeVar("T")


class DynamoDBStore:
    """A Store (app.store) in a table. `client` is boto3's; `clock` returns the time."""

    def __init__(
        self, table_name: str, client: object | None = None, *, clock: Callable[[], float] = time.time
    ) -> None:
        """Sends no request yet. Raises StoreSetupError if there is no region."""
        from app.store.dynamodb.client import calls_of, make_client  # noqa: PLC0415 - boto3 takes long to import

        self._table = Table(calls_of(client or make_client(THREADS)), table_name)
        self._clock = clock
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="rivulet-dynamodb")

    async def create(self, turn: TurnHead, title: str) -> TurnHead:
        check_turn(turn, title)
        return await self._run(turns.create, turn, title, self._clock())

    async def head(self, owner: str, turn_id: str) -> TurnHead | None:
        if not is_possible(owner, turn_id):
            return None
        return await self._run(turns.find, owner, turn_id, self._clock())

    async def append(self, turn: TurnHead, batch: Batch) -> bool:
        check_batch(batch)
        stop = await self._run(log.append, turn, batch, self._clock())
        if stop is None:
            raise SlotTakenError
        if batch.expires_at is not None:
            await self._run(turns.expire_early, turn, batch.expires_at)
        return stop

    async def batches(self, turn: TurnHead, from_slot: int = 0) -> list[Batch]:
        check_slot(from_slot)
        return until_gap(await self._run(log.batches, turn, from_slot, self._clock()), from_slot)

    async def stop_requested(self, turn: TurnHead, slot: int) -> bool:
        check_slot(slot)
        return await self._run(log.stop_requested, turn, slot, self._clock())

    async def request_stop(self, turn: TurnHead, slot: int) -> bool:
        check_slot(slot)
        return await self._run(log.request_stop, turn, slot, self._clock())

    async def conversations(self, owner: str, limit: int, cursor: str | None = None) -> Page:
        check_limit(limit)
        after = decode(cursor) if cursor is not None else None
        return page(await self._run(conversations.list_conversations, owner, limit + 1, after, self._clock()), limit)

    async def conversation(self, owner: str, conversation_id: str) -> Conversation | None:
        if not is_possible(owner, conversation_id):
            return None
        return await self._run(conversations.find, owner, conversation_id, self._clock())

    async def turns(
        self, owner: str, conversation_id: str, *, limit: int | None = None, after: TurnHead | None = None
    ) -> list[TurnHead]:
        check_turns_limit(limit)
        if not is_possible(owner, conversation_id):
            return []
        return await self._run(turns.list_turns, owner, conversation_id, self._clock(), limit=limit, after=after)

    async def rename(self, owner: str, conversation_id: str, title: str) -> bool:
        check_title(title)
        if not is_possible(owner, conversation_id):
            return False
        return await self._run(conversations.rename, owner, conversation_id, title, self._clock())

    async def delete(self, owner: str, conversation_id: str) -> bool:
        if not is_possible(owner, conversation_id):
            return False
        return await self._run(turns.delete, owner, conversation_id, self._clock())

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)

    async def _run(self, job: Callable[Concatenate[Table, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        call = partial(job, self._table, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)
