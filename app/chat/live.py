"""The events of a running turn in memory: one producer adds
them, any number of followers read.

A follower reads the list by index, from any event on, so none is lost or repeated.
"""

import asyncio
from collections.abc import AsyncGenerator

from app.chat.log_format import Numbered
from app.contract import End, Event

BREATH = 64  # events after which a follower lets other tasks run


class LiveLog:
    """Events by sequence number, from 0; `End` is the last."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._more = asyncio.Event()

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: Event) -> None:
        """Adds an event and wakes the followers."""
        self._events.append(event)
        self._more.set()
        self._more = asyncio.Event()

    def since(self, seq: int) -> list[Event]:
        """Returns the events from this number on."""
        return self._events[seq:]

    def has_ended_before(self, seq: int) -> bool:
        """Whether the `End` has a lower number."""
        return self._has_ended() and len(self._events) <= seq

    async def follow(self, seq: int = 0) -> AsyncGenerator[Numbered]:
        """Yields the events from this number on, up to `End`;
        none if the `End` is before it.
        """
        while True:
            more = self._more
            for event in self._events[seq:]:
                yield seq, event
                seq += 1
                if seq % BREATH == 0:  # a fast client must not block the other tasks
                    await asyncio.sleep(0)
            if seq < len(self._events):
                continue
            if self._has_ended():
                return
            await more.wait()

    def _has_ended(self) -> bool:
        return bool(self._events) and isinstance(self._events[-1], End)
