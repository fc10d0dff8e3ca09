"""Writes the log of one turn, slot by slot. The counterpart of `log_reader`.

`write` appends what the live log has beyond the stored part, renews the lease when it
is due, or else only looks for a request to stop. If a write fails, its outcome is
unknown: the same batch is offered again before any other. `write_end` appends the rest
and the end.

Both raise SlotTakenError if another process has ended the turn, and
StoreUnavailableError.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace

from app.chat import log_format
from app.chat.lifecycle import DAY, LEASE
from app.chat.live import LiveLog
from app.contract import End, Status
from app.store import Batch, Store, StoreUnavailableError, TurnHead

RENEW_AFTER = 4.0  # seconds without a batch until the lease is renewed by an empty one
BLANK_DAYS = 1  # for which a turn is stored that failed before its first event
RETRY_DELAYS = (0.0, 0.1, 0.3, 0.9, 2.7)  # seconds before each attempt to store the end
logger = logging.getLogger("rivulet.log_writer")


class LogWriter:
    """The one writer of a turn's log, for its producer.

    `live` has the events to store.
    """

    def __init__(self, head: TurnHead, live: LiveLog, store: Store, *, clock: Callable[[], float] = time.time) -> None:
        self._head = head
        self._live = live
        self._store = store
        self._clock = clock
        self._slot = 0
        self._stored = 0  # events
        self._offered: tuple[Batch, int] | None = None  # a batch of unknown outcome, and its events
        self._has_ended = False
        self._renew_at = self._time() + RENEW_AFTER

    async def write(self) -> bool:
        """Stores what is new. Returns whether a stop is requested."""
        if len(self._live) > self._stored or self._time() >= self._renew_at:
            return await self._append()
        return await self._store.stop_requested(self._head, self._slot)

    async def write_end(self, end: End) -> None:
        """Stores the rest and the end; tries again after each of RETRY_DELAYS."""
        for delay in RETRY_DELAYS[1:]:
            try:
                await self._append(end)
            except StoreUnavailableError as error:
                logger.warning("turn %s: its end is not stored yet: %s", self._head.turn_id, error)
                await asyncio.sleep(delay)
            else:
                return
        await self._append(end)

    async def _append(self, end: End | None = None) -> bool:
        """Appends the new events, and the end if it is given.

        Returns whether a stop is requested.
        """
        stop = False
        if self._offered:
            batch, count = self._offered
            stop = await self._offer(replace(batch, lease_until=self._clock() + LEASE), count)
        if not self._has_ended:
            events = [*self._live.since(self._stored), *([end] if end else [])]
            last = self._stored + len(events)
            for data, count in log_format.encode_batches(self._stored, events):
                is_last = self._stored + count == last
                stop |= await self._offer(self._batch(data, end if is_last else None), count)
        return stop

    def _batch(self, data: bytes, end: End | None) -> Batch:
        """Returns the batch for the next slot; `end` is its
        last event if the turn ends.
        """
        now = self._clock()
        batch = Batch(self._slot, data, self._head.producer, now + LEASE, final=end is not None)
        is_blank = end is not None and end.status is Status.FAILED and len(self._live) == 1
        if is_blank and now + BLANK_DAYS * DAY < self._head.expires_at:
            return replace(batch, expires_at=now + BLANK_DAYS * DAY)
        return batch

    async def _offer(self, batch: Batch, count: int) -> bool:
        """Appends one batch of `count` events. Returns whether a stop is requested."""
        self._offered = batch, count
        began = self._time()
        stop = await self._store.append(self._head, batch)
        self._offered = None
        self._slot += 1
        self._stored += count
        self._renew_at = began + RENEW_AFTER
        self._has_ended = batch.final
        return stop

    def _time(self) -> float:
        """Returns monotonic seconds: the wall clock may be set while the turn runs."""
        return asyncio.get_running_loop().time()
