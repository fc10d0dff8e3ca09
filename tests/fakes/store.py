"""A fake store with one turn's log in memory, with delays and faults."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

from app.store import Batch, SlotTakenError, Store, StoreUnavailableError, TurnHead

Fault = Callable[[], str | None]
"""The outcome of the next append: None (success), "before" (it is
lost), "after" (only its answer is lost).
"""


class FakeLog:
    """One log. Each call takes the next of `delays` in seconds, cyclically."""

    def __init__(self, delays: Sequence[float] = (0.0,), fault: Fault = lambda: None) -> None:
        self.turn: TurnHead | None = None
        self.log: list[Batch] = []
        self.stops: set[int] = set()
        self.writes = 0
        self.refuse_all = False  # as for a deleted turn
        self.stall = 0.0  # seconds before the next append reaches the store
        self._delays = delays
        self._calls = 0
        self._fault = fault

    @property
    def store(self) -> Store:
        return cast("Store", self)

    async def create(self, turn: TurnHead, title: str) -> TurnHead:
        del title
        self.turn = self.turn or turn
        return self.turn

    async def head(self, owner: str, turn_id: str) -> TurnHead | None:
        is_it = self.turn and (owner, turn_id) == (self.turn.owner, self.turn.turn_id)
        return self.turn if is_it else None

    async def append(self, turn: TurnHead, batch: Batch) -> bool:
        del turn
        stall, self.stall = self.stall, 0.0
        await asyncio.sleep(stall)
        await self._delay()
        fault = self._fault()
        if fault != "before":
            self._claim(batch)
        if fault:
            raise StoreUnavailableError(fault)
        return batch.slot in self.stops

    def _claim(self, batch: Batch) -> None:
        self.writes += 1
        if self.refuse_all:
            raise SlotTakenError
        if batch.slot > len(self.log):
            raise AssertionError("an append leaves a gap")
        if batch.slot == len(self.log):
            self.log.append(batch)
        elif self.log[batch.slot] != replace(batch, lease_until=self.log[batch.slot].lease_until):
            raise SlotTakenError

    async def batches(self, turn: TurnHead, from_slot: int = 0) -> list[Batch]:
        del turn
        await self._delay()
        return self.log[from_slot:]

    async def stop_requested(self, turn: TurnHead, slot: int) -> bool:
        del turn
        await self._delay()
        return slot in self.stops

    async def request_stop(self, turn: TurnHead, slot: int) -> bool:
        del turn
        await self._delay()
        if slot < len(self.log):
            return False
        self.stops.add(slot)
        return True

    async def _delay(self) -> None:
        self._calls += 1
        await asyncio.sleep(self._delays[self._calls % len(self._delays)])
