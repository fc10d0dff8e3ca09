"""One turn that can be followed: by the live log if it is
produced here, else by its stored log.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from app.chat.events import collect, frame
from app.chat.lifecycle import INTERRUPTED
from app.chat.log_format import Numbered
from app.chat.log_reader import LogReader
from app.chat.producer import Producer
from app.chat.store_errors import store_problems
from app.contract import End, Turn
from app.store import TurnHead


@dataclass(frozen=True)
class RunningTurn:
    """A turn that this process produces, and the task that does so."""

    producer: Producer
    task: "asyncio.Task[object]"


class TurnHandle:
    """A turn; `running` is None if another process produces it or if it has ended."""

    def __init__(self, head: TurnHead, reader: LogReader, running: RunningTurn | None) -> None:
        self.head = head
        self._reader = reader
        self._running = running

    def events(self, seq: int = 0) -> AsyncGenerator[Numbered]:
        """Yields the events from number `seq` on, up to `End`, as they are produced."""
        if self._running is not None:
            return self._running.producer.live.follow(seq)
        return self._reader.follow(self.head, seq)

    async def frames(self, seq: int = 0) -> AsyncGenerator[bytes]:
        """Yields the same events as SSE frames."""
        async with aclosing(self.events(seq)) as events:
            async for number, event in events:
                yield frame(self.head.turn_id, number, event)

    async def result(self) -> Turn:
        """Waits for the end. Returns the whole turn when it is stored."""
        events = [event async for event in self.events()]
        await self.wait_stored()
        return collect(self.head, events)

    async def has_ended_before(self, seq: int) -> bool:
        """Whether no event has the number `seq` or a higher one. Raises StoreFailed.

        A client of a producer that died may have received more than was stored. It has
        not received the end that another process wrote, whose number is then lower.
        """
        if self._running is not None:
            return self._running.producer.live.has_ended_before(seq)
        with store_problems():
            events = await self._reader.read(self.head)
        if not events or not isinstance(events[-1][1], End):
            return False
        last, end = events[-1]
        return last == seq - 1 or (last < seq and end != INTERRUPTED)

    @property
    def has_begun(self) -> bool:
        """Whether the answer has begun; True for a turn of another process."""
        return self._running is None or self._running.producer.started.done()

    async def wait_begun(self, limit: float) -> None:
        """Waits for the beginning of the answer, at most `limit` seconds.

        Raises the Problem that prevented it. After the limit, only `End` reports a
        failure.
        """
        if self._running is None:
            return
        await asyncio.wait({self._running.producer.started}, timeout=limit)
        if self.has_begun and (problem := self._running.producer.started.exception()):
            await self.wait_stored()
            raise problem

    async def wait_stored(self) -> None:
        """Waits until a turn of this process is produced and stored.

        Its host must not freeze the process before.
        """
        if self._running is not None:
            await asyncio.wait({self._running.task})
