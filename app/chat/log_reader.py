"""Following a turn by its log in the store: one that another process produces, or that is over.

Reads what has been appended, from any event on, and looks again every POLL. A producer is dead if its log has not
changed for the length of the lease while this process watched it, whatever the wall clocks of the two say. Then the
follower claims the next slot with an end, `interrupted`: of several followers one wins, and the others read what it
wrote. A turn that is deleted while it is followed ends as `interrupted`, too.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress

from app.chat import log_format
from app.chat.live import BREATH
from app.chat.log_format import Numbered
from app.chat.watch import Watch
from app.contract import End, Event, Start, Status
from app.problems import StoreFailed, StoreRefused
from app.store import Batch, SlotTakenError, Store, StoreRefusedError, StoreUnavailableError, TurnHead

POLL = 0.3  # seconds; a batch is seen within that of its being appended
LEASE = 10.0  # seconds without a write after which a producer that is watched counts as dead
FORGOTTEN = 86_400.0  # seconds after its lease by the wall clock at which a turn counts as dead unwatched
PAUSE = 0.001  # seconds for other tasks and threads between two parts of a long log
PATIENCE = 30.0  # seconds without a store until a follower gives up
log = logging.getLogger("rivulet.follow")


class LogPosition:
    """What has been read of one log."""

    def __init__(self, head: TurnHead) -> None:
        self.head = head
        self.slot = 0
        self.seq = 0
        self.final = False
        self.lease_until = head.created_at + LEASE

    def take(self, batch: Batch) -> list[Numbered]:
        """The events of the next batch; a final one always ends with an `End`."""
        try:
            events = log_format.decode(batch.data)
        except ValueError as error:
            log.warning("turn %s: batch %d cannot be read: %s", self.head.turn_id, batch.slot, error)
            events = []
        if events:
            self.seq = events[-1][0] + 1
        if batch.final and not (events and isinstance(events[-1][1], End)):
            events.append((self.seq, log_format.UNREADABLE))
            self.seq += 1
        self.slot = batch.slot + 1
        self.final = batch.final
        self.lease_until = batch.lease_until
        return events


class Follower:
    """Follows turns in one store."""

    def __init__(
        self,
        store: Store,
        writer: str,
        request_id: str,
        watch: Watch,
        *,
        is_produced_here: Callable[[TurnHead], bool] = lambda _: False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._writer = writer
        self._request_id = request_id
        self._watch = watch
        self._is_produced_here = is_produced_here
        self._clock = clock

    async def read(self, head: TurnHead) -> list[Numbered]:
        """The log as it is, the texts of a batch joined; with an end, too, if its producer is dead. Raises
        StoreUnavailableError.
        """
        tail = LogPosition(head)
        events: list[Numbered] = []
        paused_at = 0
        batches = await self._read_on(tail)
        while batches:
            for batch in batches:
                events += log_format.joined(tail.take(batch))
                if tail.seq - paused_at >= log_format.MAX_EVENTS:
                    await asyncio.sleep(PAUSE)
                    paused_at = tail.seq
            batches = await self._read_on(tail) if self._is_dead(tail) else []
        return events

    async def skip(self, tail: LogPosition) -> None:
        """Takes what is new in the log, unread. Raises StoreUnavailableError."""
        for batch in await self._read_on(tail):
            tail.take(batch)

    async def follow(self, head: TurnHead, seq: int = 0) -> AsyncGenerator[Numbered]:
        """The turn's events from number `seq` on, up to `End`, as they are appended."""
        tail = LogPosition(head)
        failing_since: float | None = None
        time_of = asyncio.get_running_loop().time
        while not tail.final:
            try:
                batches = await self._read_on(tail)
                failing_since = None
            except StoreUnavailableError as error:
                if failing_since is None:
                    failing_since = time_of()
                    log.warning("turn %s: its log cannot be read: %s", head.turn_id, error)
                if time_of() - failing_since > PATIENCE:
                    yield tail.seq, self._given_up(error)
                    return
                batches = []
            for number, event in (numbered for batch in batches for numbered in tail.take(batch)):
                # who has followed the producer itself may have seen more than was kept, and must learn of the end
                if number >= seq or event == INTERRUPTED:
                    yield number, event
                if number % BREATH == 0:
                    await asyncio.sleep(0 if number % log_format.MAX_EVENTS else PAUSE)
            if not tail.final:
                await asyncio.sleep(POLL)

    async def _read_on(self, tail: LogPosition) -> list[Batch]:
        """What is new in the log; if nothing is, and its producer is dead, its end."""
        batches = await self._new(tail)
        if not batches and self._is_dead(tail):
            batches = await self._interrupt(tail)
        return batches

    def _is_dead(self, tail: LogPosition) -> bool:
        if tail.final or self._is_produced_here(tail.head):
            return False
        # clocks that differ by a day break much else; without this a read would report an old turn as running
        is_forgotten = self._clock() > tail.lease_until + FORGOTTEN
        return is_forgotten or self._watch.unchanged(tail.head, tail.slot) > LEASE

    async def _new(self, tail: LogPosition) -> list[Batch]:
        try:
            batches = await self._store.batches(tail.head, tail.slot)
        except StoreUnavailableError:
            self._watch.forget(tail.head)  # its producer could not write either
            raise
        if batches and batches[-1].final:
            self._watch.forget(tail.head)
        return batches

    async def _interrupt(self, tail: LogPosition) -> list[Batch]:
        """Ends a turn whose producer is dead; what is new in its log by then."""
        data = log_format.encode(tail.seq, last_words(tail))
        end = Batch(tail.slot, data, self._writer, self._clock(), final=True)
        with suppress(SlotTakenError):  # the producer lives, or another follower was faster: its batch is read next
            await self._store.append(tail.head, end)
        return await self._new(tail) or [end]  # nothing lies where something must: the turn is gone

    def _given_up(self, error: StoreUnavailableError) -> End:
        problem = StoreFailed("The answer cannot be read at the moment. Try again.")
        if isinstance(error, StoreRefusedError):
            problem = StoreRefused("The answer cannot be read. The operator of this server must correct it.")
        return End(status=Status.FAILED, reason=problem.code, error=problem.details(self._request_id))


INTERRUPTED = End(status=Status.INTERRUPTED)


def last_words(tail: LogPosition) -> list[Event]:
    """What a producer that has died would have said; its first word, too, where it was not kept."""
    if tail.seq:
        return [INTERRUPTED]
    head = tail.head
    return [Start(turn_id=head.turn_id, conversation_id=head.conversation_id, model=head.model), INTERRUPTED]
