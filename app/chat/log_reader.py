"""Reads a turn by its log in the store: a turn of another
process, or one that has ended.

A follower yields what is appended, from any event on, and polls every POLL seconds. A
producer counts as dead if its log has not changed for the length of a lease while this
process watched it; wall clocks are not compared. Then the follower claims the next slot
with an `interrupted` end. Of several followers one wins, and the others read what it
wrote. A turn that is deleted while it is followed also ends as `interrupted`.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress

from app.chat import log_format
from app.chat.lifecycle import DAY, INTERRUPTED, LEASE
from app.chat.live import BREATH
from app.chat.log_format import Numbered
from app.chat.watch import Watch
from app.contract import End, Event, Start, Status
from app.problems import StoreFailed, StoreRefused
from app.store import Batch, SlotTakenError, Store, StoreRefusedError, StoreUnavailableError, TurnHead

POLL = 0.3  # seconds
DEAD_AFTER = DAY  # seconds after its lease by the wall clock, after which a turn is dead unwatched
PAUSE = 0.001  # seconds for other tasks and threads between two parts of a long log
PATIENCE = 30.0  # seconds without a store after which a follower gives up
logger = logging.getLogger("rivulet.log_reader")


class LogPosition:
    """How far one log has been read."""

    def __init__(self, head: TurnHead) -> None:
        self.head = head
        self.slot = 0
        self.seq = 0
        self.final = False
        self.lease_until = head.created_at + LEASE

    def take(self, batch: Batch) -> list[Numbered]:
        """Returns the events of the next batch; those of a
        final one always end with `End`.
        """
        try:
            events = log_format.decode(batch.data)
        except ValueError as error:
            logger.warning("turn %s: batch %d cannot be read: %s", self.head.turn_id, batch.slot, error)
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


class LogReader:
    """Reads the turns of one store. `writer` names it in the ends that it writes."""

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
        """Returns the log so far, the texts of a batch joined.

        If its producer is dead, it ends with `End`. Raises StoreUnavailableError.
        """
        position = LogPosition(head)
        events: list[Numbered] = []
        paused_at = 0
        batches = await self._read_on(position)
        while batches:
            for batch in batches:
                events += log_format.join_texts(position.take(batch))
                if position.seq - paused_at >= log_format.MAX_EVENTS:
                    await asyncio.sleep(PAUSE)
                    paused_at = position.seq
            batches = await self._read_on(position) if self._is_dead(position) else []
        return events

    async def skip(self, position: LogPosition) -> None:
        """Moves the position to the end of the log. Raises StoreUnavailableError."""
        for batch in await self._read_on(position):
            position.take(batch)

    async def follow(self, head: TurnHead, seq: int = 0) -> AsyncGenerator[Numbered]:
        """Yields the turn's events from number `seq` on, up to
        `End`, as they are appended.
        """
        position = LogPosition(head)
        failing_since: float | None = None
        time_of = asyncio.get_running_loop().time
        while not position.final:
            try:
                batches = await self._read_on(position)
                failing_since = None
            except StoreUnavailableError as error:
                if failing_since is None:
                    failing_since = time_of()
                    logger.warning("turn %s: its log cannot be read: %s", head.turn_id, error)
                if time_of() - failing_since > PATIENCE:
                    yield position.seq, self._give_up(error)
                    return
                batches = []
            for number, event in (numbered for batch in batches for numbered in position.take(batch)):
                # a client of the live log may be ahead of the stored log; it still
                # needs the end
                if number >= seq or event == INTERRUPTED:
                    yield number, event
                if number % BREATH == 0:
                    await asyncio.sleep(0 if number % log_format.MAX_EVENTS else PAUSE)
            if not position.final:
                await asyncio.sleep(POLL)

    async def _read_on(self, position: LogPosition) -> list[Batch]:
        """Returns what is new in the log; if nothing is and
        the producer is dead, its end.
        """
        batches = await self._new(position)
        if not batches and self._is_dead(position):
            batches = await self._interrupt(position)
        return batches

    def _is_dead(self, position: LogPosition) -> bool:
        if position.final or self._is_produced_here(position.head):
            return False
        # without the wall clock, a first read would report an old turn as running
        is_old = self._clock() > position.lease_until + DEAD_AFTER
        return is_old or self._watch.unchanged(position.head, position.slot) > LEASE

    async def _new(self, position: LogPosition) -> list[Batch]:
        try:
            batches = await self._store.batches(position.head, position.slot)
        except StoreUnavailableError:
            self._watch.forget(position.head)  # its producer could not write either
            raise
        if batches and batches[-1].final:
            self._watch.forget(position.head)
        return batches

    async def _interrupt(self, position: LogPosition) -> list[Batch]:
        """Ends a turn whose producer is dead. Returns what is new in its log then."""
        data = log_format.encode(position.seq, final_events(position))
        end = Batch(position.slot, data, self._writer, self._clock(), final=True)
        with suppress(SlotTakenError):  # the producer is alive, or another reader was first: its batch is read next
            await self._store.append(position.head, end)
        return await self._new(position) or [end]  # the claimed slot is empty, so the turn was deleted

    def _give_up(self, error: StoreUnavailableError) -> End:
        problem = StoreFailed("The answer cannot be read at the moment. Try again.")
        if isinstance(error, StoreRefusedError):
            problem = StoreRefused("The answer cannot be read. The operator of this server must correct it.")
        return End(status=Status.FAILED, reason=problem.code, error=problem.details(self._request_id))


def final_events(position: LogPosition) -> list[Event]:
    """Returns the events that a dead producer has not written:
    its end, and its start if need be.
    """
    if position.seq:
        return [INTERRUPTED]
    head = position.head
    return [Start(turn_id=head.turn_id, conversation_id=head.conversation_id, model=head.model), INTERRUPTED]
