"""The events of a running turn in memory: one adds, any number follow, from wherever they like. Nothing is lost or
repeated, since a follower reads the same list by index.
"""

import asyncio
from collections.abc import AsyncGenerator

from app.chat.log_format import Numbered
from app.contract import End, Event

BREATH = 64  # events after which a reader lets other tasks run


class LiveLog:
    """Events by sequence number, from 0; `End` is the last."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._more = asyncio.Event()

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: Event) -> None:
        """Wakes whoever follows."""
        self._events.append(event)
        self._more.set()
        self._more = asyncio.Event()

    def since(self, seq: int) -> list[Event]:
        """The events from this number on."""
        return self._events[seq:]

    def is_over_before(self, seq: int) -> bool:
        """Whether the `End` has a lower number."""
        return self._is_over() and len(self._events) <= seq

    async def follow(self, seq: int = 0) -> AsyncGenerator[Numbered]:
        """The events from this number on, up to `End`, as they come; none where the number lies behind it."""
        while True:
            more = self._more
            for event in self._events[seq:]:
                yield seq, event
                seq += 1
                if seq % BREATH == 0:  # a client that reads as fast as this sends makes nothing here wait
                    await asyncio.sleep(0)
            if seq < len(self._events):
                continue
            if self._is_over():
                return
            await more.wait()

    def _is_over(self) -> bool:
        return bool(self._events) and isinstance(self._events[-1], End)
