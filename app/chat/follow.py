"""Following a turn by its log in the store: one that another process produces, or that is over.

Reads what has been appended, from wherever one likes, and looks again every POLL. Where the lease has run out, the
follower claims the next slot with an end, `interrupted`, for its producer has died: of several followers one wins, and
the others read what it wrote.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable

from app.chat import record
from app.chat.record import Numbered
from app.contract import End, Status
from app.problems import StoreFailed
from app.store import Batch, SlotTakenError, Store, StoreUnavailableError, TurnHead

POLL = 0.3  # seconds; a batch is seen within that of its being appended
LEASE = 10.0  # seconds after its last write that a producer counts as alive
PATIENCE = 30.0  # seconds without a store until a follower gives up


class Tail:
    """What has been read of one log."""

    def __init__(self, head: TurnHead) -> None:
        self.head = head
        self.slot = 0
        self.seq = 0
        self.final = False
        self.lease_until = head.created_at + LEASE

    def take(self, batch: Batch) -> list[Numbered]:
        events = record.decode(batch.data)
        self.slot = batch.slot + 1
        self.seq += len(events)
        self.final = batch.final
        self.lease_until = batch.lease_until
        return events


class Follower:
    """Follows turns in one store."""

    def __init__(self, store: Store, writer: str, request_id: str, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._writer = writer
        self._request_id = request_id
        self._clock = clock

    async def read(self, tail: Tail) -> list[Numbered]:
        """What is new in the log; its end, too, where its producer has died. Raises StoreUnavailableError."""
        batches = await self._store.batches(tail.head.turn_id, tail.slot)
        events = [event for batch in batches for event in tail.take(batch)]
        if not tail.final and self._clock() > tail.lease_until:
            await self._interrupt(tail)
            events += await self.read(tail)
        return events

    async def follow(self, head: TurnHead, seq: int = 0) -> AsyncGenerator[Numbered]:
        """The turn's events from number `seq` on, up to `End`, as they are appended."""
        tail = Tail(head)
        failing_since: float | None = None
        while not tail.final:
            try:
                events = await self.read(tail)
                failing_since = None
            except StoreUnavailableError:
                failing_since = failing_since or self._clock()
                if self._clock() - failing_since > PATIENCE:
                    yield tail.seq, self._given_up()
                    return
                events = []
            for number, event in events:
                if number >= seq:
                    yield number, event
            if not tail.final:
                await asyncio.sleep(POLL)

    async def _interrupt(self, tail: Tail) -> None:
        data = record.encode(tail.seq, [End(status=Status.INTERRUPTED)])
        now = self._clock()
        try:
            await self._store.append(tail.head, Batch(tail.slot, data, self._writer, now, final=True))
        except SlotTakenError:
            return  # the producer lives, or another follower was faster: its batch is read next

    def _given_up(self) -> End:
        problem = StoreFailed("The answer cannot be read at the moment. Try again.")
        return End(status=Status.FAILED, reason=problem.code, error=problem.details(self._request_id))
