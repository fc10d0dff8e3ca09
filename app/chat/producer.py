"""The one producer of a turn: reads the answer, hands it to whoever follows, and keeps it, whoever listens or not.

Two things go on side by side. Reading puts each event into the live log at once. Keeping appends what has come since to
the store, every INTERVAL or BATCH_CHARS; the same write renews the lease and brings back a request to stop. Where
nothing has come, it only looks for that request. The turn ends, exactly once, with what upstream said, or as `stopped`,
as `incomplete / deadline`, or as `interrupted` where another process has ended it. `End` goes out after it is kept;
where it cannot be kept, it says so.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

from app.chat import log_format
from app.chat.live import LiveLog
from app.chat.log_reader import INTERRUPTED, LEASE
from app.chat.question import DAY
from app.chat.report import Stopwatch
from app.contract import End, Event, Start, Status
from app.problems import NotKept, Problem
from app.store import Batch, SlotTakenError, Store, StoreUnavailableError, TurnHead
from app.upstream.answer import Answer
from app.upstream.causes import cause_of

INTERVAL = 0.5  # seconds between two writes, and between two looks for a request to stop
BATCH_CHARS = 4096
RENEW_AFTER = 4.0  # seconds without an event until the lease is renewed by itself
BLANK_DAYS = 1  # for which a turn is kept that failed before it said anything
GRACE = 3.0  # seconds before the host's deadline at which a turn ends itself
KEEPING = 2.0  # seconds of that which keeping the end may take
FINAL_DELAYS = (0.1, 0.3, 0.9, 2.7, 0.0)  # seconds after each attempt to keep the end that failed
log = logging.getLogger("rivulet.producer")


class Producer:
    """Produces `head`'s answer. `started` is resolved when the answer has begun, or with the Problem that kept it
    from beginning; `live` is the answer as it comes.
    """

    def __init__(
        self,
        head: TurnHead,
        start: Start,
        opening: Callable[[], Awaitable[Answer]],
        store: Store,
        *,
        watch: Stopwatch,
        request_id: str,
        deadline: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.head = head
        self.live = LiveLog()
        self.started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._start = start
        self._opening = opening
        self._store = store
        self._watch = watch
        self._request_id = request_id
        self._deadline = None if deadline is None else deadline - GRACE
        self._clock = clock  # the host's deadline is a time of day
        self._slot = 0
        self._kept = 0  # events that are in the store
        self._pending_chars = 0
        self._offered: tuple[Batch, int] | None = None
        self._ended = False
        self._renew_at = self._time() + RENEW_AFTER
        self._due = asyncio.Event()
        self._forced: End | None = None
        self._said: End | None = None  # by upstream: nothing that happens afterwards takes it back
        self._reading: asyncio.Task[End] | None = None

    def stop(self) -> None:
        """Ends the turn as stopped, as soon as possible."""
        self._force(STOPPED)

    def interrupt(self) -> None:
        """Ends the turn as interrupted, as soon as possible."""
        self._force(INTERRUPTED)

    def _force(self, end: End) -> None:
        self._forced = self._forced or end
        self._due.set()
        if self._reading:  # generation ends now, however long the store takes
            end_generation(self._reading)

    async def run(self) -> End:
        """Produces the answer to its end, which is returned and is the last event of `live`."""
        self.live.add(self._start)
        try:
            end = await self._produce()
        except Exception:
            log.exception("a turn cannot be kept for a reason that nobody foresaw")
            end = self._failed(Problem())
        self.live.add(end)
        self._watch.over(end)
        if not self.started.done():
            self.started.set_result(None)
        return end

    async def _produce(self) -> End:
        reading = self._reading = asyncio.create_task(self._read())
        reading.add_done_callback(lambda _: self._due.set())
        try:
            end = await self._keep_up(reading)
        finally:
            end_generation(reading)
            await asyncio.wait({reading})
        if not reading.cancelled():
            end = reading.result()
        return await self._keep_end(self._said or end or self._forced or INTERRUPTED)

    async def _read(self) -> End:
        try:
            return await self._read_answer(await self._opening())
        except Problem as problem:
            log.warning("turn %s failed: %s", self.head.turn_id, problem.code, extra=cause_of(problem))
            return self._failed(problem)
        except Exception:
            log.exception("a turn failed for a reason that nobody foresaw")
            return self._failed(Problem())

    async def _read_answer(self, answer: Answer) -> End:
        self.started.set_result(None)
        try:
            async for event in answer.events():
                if isinstance(event, End):
                    self._said = event
                    return event
                for piece in log_format.pieces(event):
                    self._add(piece)
        finally:
            await answer.close()
        raise AssertionError("an answer raises where it has no end")

    def _add(self, event: Event) -> None:
        self._watch.saw(event)
        self.live.add(event)
        self._pending_chars += len(getattr(event, "delta", ""))
        if self._pending_chars >= BATCH_CHARS:
            self._due.set()

    async def _keep_up(self, reading: asyncio.Task[End]) -> End | None:
        """Keeps what comes, until reading is done (None) or the turn must end in another way."""
        while not reading.done():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._due.wait()
            self._due.clear()
            if reading.done():
                return None
            if end := await self._check():
                return end
        return None

    def _pause(self) -> float:
        left = self._time_to(0)
        return INTERVAL if left is None else min(INTERVAL, left)

    async def _check(self) -> End | None:
        """Keeps what has come; the end that the turn must take, if any."""
        try:
            async with asyncio.timeout(self._time_to(0)):
                asked = await self._keep()
        except SlotTakenError:
            return INTERRUPTED
        except (StoreUnavailableError, TimeoutError) as error:
            log.warning("turn %s: a batch is not kept yet: %r", self.head.turn_id, error)
            asked = False
        if self._forced or asked:
            return self._forced or STOPPED
        return DEADLINE if self._deadline is not None and self._clock() >= self._deadline else None

    async def _keep(self) -> bool:
        """Appends what has come, or renews the lease where that is due. True where a request to stop was there."""
        if len(self.live) > self._kept or self._time() >= self._renew_at:
            return await self._append()
        return await self._store.stop_requested(self.head, self._slot)

    async def _append(self, end: End | None = None) -> bool:
        """Appends what has come since the last batch, and the end. True where a request to stop was there."""
        asked = False
        if self._offered:
            batch, count = self._offered
            asked = await self._offer(replace(batch, lease_until=self._clock() + LEASE), count)
        if not self._ended:
            events = [*self.live.since(self._kept), *([end] if end else [])]
            last = self._kept + len(events)
            for data, count in log_format.batches(self._kept, events):
                is_last = self._kept + count == last
                asked |= await self._offer(self._batch(data, end if is_last else None), count)
        return asked

    def _batch(self, data: bytes, end: End | None) -> Batch:
        """The batch that comes next, `end` the last event in it if the turn ends."""
        now = self._clock()
        batch = Batch(self._slot, data, self.head.producer, now + LEASE, final=end is not None)
        is_blank = end is not None and end.status is Status.FAILED and len(self.live) == 1
        if is_blank and now + BLANK_DAYS * DAY < self.head.expires_at:
            return replace(batch, expires_at=now + BLANK_DAYS * DAY)
        return batch

    async def _offer(self, batch: Batch, count: int) -> bool:
        """Appends one batch of `count` events. Where that fails, nobody knows whether it was: it is said again."""
        self._offered = batch, count
        self._pending_chars = 0
        began = self._time()
        asked = await self._store.append(self.head, batch)
        self._offered = None
        self._slot += 1
        self._kept += count
        self._renew_at = began + RENEW_AFTER
        self._ended = batch.final
        return asked

    async def _keep_end(self, end: End) -> End:
        """Appends the rest and the end, while the host lets us; returns the end as it is to be told."""
        try:
            async with asyncio.timeout(self._time_to(KEEPING)):
                return await self._try_to_keep(end)
        except (StoreUnavailableError, TimeoutError) as error:
            log.error("turn %s: its end is not kept: %r", self.head.turn_id, error)  # noqa: TRY400 - no defect of ours
            return end.model_copy(update={"error": end.error or NotKept().details(self._request_id)})

    async def _try_to_keep(self, end: End) -> End:
        for delay in FINAL_DELAYS:
            try:
                await self._append(end)
            except SlotTakenError:
                return INTERRUPTED
            except StoreUnavailableError as error:
                log.warning("turn %s: its end is not kept yet: %s", self.head.turn_id, error)
                await asyncio.sleep(delay)
            else:
                return end
        raise StoreUnavailableError("no further attempt")

    def _time(self) -> float:
        """Monotonic seconds: the wall clock may be set while the turn runs."""
        return asyncio.get_running_loop().time()

    def _time_to(self, after_deadline: float) -> float | None:
        """Seconds from now to so long after the turn's own deadline; None where there is none."""
        return None if self._deadline is None else max(0.0, self._deadline + after_deadline - self._clock())

    def _failed(self, problem: Problem) -> End:
        if not self.started.done():
            self.started.set_exception(problem)
            self.started.exception()  # whoever waits for it may have gone
        return End(status=Status.FAILED, reason=problem.code, error=problem.details(self._request_id))


def end_generation(reading: "asyncio.Task[End]") -> None:
    """Cancels the task once: a second time would cut short its closing of the connection."""
    if not reading.cancelling():
        reading.cancel()


STOPPED = End(status=Status.STOPPED)
DEADLINE = End(status=Status.INCOMPLETE, reason="deadline")
