"""The one producer of a turn: reads the answer, publishes it, and stores it.

A producer does not depend on followers. Two tasks run concurrently. One reads the
answer and adds each event to the live log at once. The other stores what is new, every
INTERVAL or BATCH_CHARS, and so also learns of a request to stop.

The turn ends exactly once: as upstream ended it, as `stopped`, as `incomplete` at the
host's deadline, or as `interrupted` if another process has ended it. `End` is published
after it is stored; if it cannot be stored, it has the error `not_kept`.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from app.chat import log_format
from app.chat.lifecycle import DEADLINE, GRACE, INTERRUPTED, STOPPED, STORING
from app.chat.live import LiveLog
from app.chat.log_writer import LogWriter
from app.chat.report import Stopwatch
from app.contract import End, Event, Start, Status
from app.problems import NotKept, Problem
from app.store import SlotTakenError, Store, StoreUnavailableError, TurnHead
from app.upstream.answer import Answer
from app.upstream.causes import cause_of

INTERVAL = 0.5  # seconds between two writes, or between two reads of a request to stop
BATCH_CHARS = 4096
logger = logging.getLogger("rivulet.producer")


class Producer:
    """Produces `head`'s answer.

    `started` is resolved when the answer has begun, or gets the Problem that prevented
    it. `live` is the answer so far.
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
        self._writer = LogWriter(head, self.live, store, clock=clock)
        self._watch = watch
        self._request_id = request_id
        self._deadline = None if deadline is None else deadline - GRACE
        self._clock = clock  # the host's deadline is a time of day
        self._new_chars = 0
        self._wake = asyncio.Event()
        self._forced: End | None = None
        self._received: End | None = None  # upstream's end, which no later event replaces
        self._reading: asyncio.Task[End] | None = None

    def stop(self) -> None:
        """Ends the turn as stopped, as soon as possible."""
        self._force(STOPPED)

    def interrupt(self) -> None:
        """Ends the turn as interrupted, as soon as possible."""
        self._force(INTERRUPTED)

    def _force(self, end: End) -> None:
        self._forced = self._forced or end
        self._wake.set()
        if self._reading:  # generation ends now, even if the store is slow
            _cancel_once(self._reading)

    async def run(self) -> End:
        """Produces the answer. Returns its end, which is the last event of `live`."""
        self.live.add(self._start)
        try:
            end = await self._produce()
        except Exception:
            logger.exception("turn %s cannot be stored: unhandled exception", self.head.turn_id)
            end = self._fail(Problem())
        self.live.add(end)
        self._watch.stop(end)
        if not self.started.done():
            self.started.set_result(None)
        return end

    async def _produce(self) -> End:
        reading = self._reading = asyncio.create_task(self._read())
        reading.add_done_callback(lambda _: self._wake.set())
        try:
            end = await self._store_while(reading)
        finally:
            _cancel_once(reading)
            await asyncio.wait({reading})
        if not reading.cancelled():
            end = reading.result()
        return await self._store_end(self._received or end or self._forced or INTERRUPTED)

    async def _read(self) -> End:
        try:
            return await self._read_answer(await self._opening())
        except Problem as problem:
            logger.warning("turn %s failed: %s", self.head.turn_id, problem.code, extra=cause_of(problem))
            return self._fail(problem)
        except Exception:
            logger.exception("turn %s failed: unhandled exception", self.head.turn_id)
            return self._fail(Problem())

    async def _read_answer(self, answer: Answer) -> End:
        self.started.set_result(None)
        try:
            async for event in answer.events():
                if isinstance(event, End):
                    self._received = event
                    return event
                for piece in log_format.split_long(event):
                    self._add(piece)
        finally:
            await answer.close()
        raise AssertionError("an answer without an end raises a Problem")

    def _add(self, event: Event) -> None:
        self._watch.see(event)
        self.live.add(event)
        self._new_chars += len(getattr(event, "delta", ""))
        if self._new_chars >= BATCH_CHARS:
            self._wake.set()

    async def _store_while(self, reading: asyncio.Task[End]) -> End | None:
        """Stores what is new until reading is done.

        Returns the end that the turn must take, or None if reading is done.
        """
        while not reading.done():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause()):
                    await self._wake.wait()
            self._wake.clear()
            if reading.done():
                return None
            if end := await self._store_new():
                return end
        return None

    def _pause(self) -> float:
        left = self._time_to(0)
        return INTERVAL if left is None else min(INTERVAL, left)

    async def _store_new(self) -> End | None:
        """Stores what is new. Returns the end that the turn must take, if any."""
        self._new_chars = 0
        try:
            async with asyncio.timeout(self._time_to(0)):
                stop = await self._writer.write()
        except SlotTakenError:
            return INTERRUPTED
        except (StoreUnavailableError, TimeoutError) as error:
            logger.warning("turn %s: a batch is not stored yet: %r", self.head.turn_id, error)
            stop = False
        if self._forced or stop:
            return self._forced or STOPPED
        return DEADLINE if self._deadline is not None and self._clock() >= self._deadline else None

    async def _store_end(self, end: End) -> End:
        """Stores the rest and the end before the host's deadline.

        Returns the end to publish.
        """
        try:
            async with asyncio.timeout(self._time_to(STORING)):
                await self._writer.write_end(end)
        except SlotTakenError:
            return INTERRUPTED
        except (StoreUnavailableError, TimeoutError) as error:
            logger.error("turn %s: its end is not stored: %r", self.head.turn_id, error)  # noqa: TRY400 - no bug
            return end.model_copy(update={"error": end.error or NotKept().details(self._request_id)})
        return end

    def _time_to(self, after_deadline: float) -> float | None:
        """Returns the seconds from now until `after_deadline`
        seconds after the turn's deadline.

        None if there is no deadline.
        """
        return None if self._deadline is None else max(0.0, self._deadline + after_deadline - self._clock())

    def _fail(self, problem: Problem) -> End:
        if not self.started.done():
            self.started.set_exception(problem)
            self.started.exception()  # marks it as retrieved: the caller may have disconnected
        return End(status=Status.FAILED, reason=problem.code, error=problem.details(self._request_id))


def _cancel_once(reading: "asyncio.Task[End]") -> None:
    """Ends generation.

    A second cancellation would interrupt the closing of its connection.
    """
    if not reading.cancelling():
        reading.cancel()
