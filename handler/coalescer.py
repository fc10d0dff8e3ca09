"""Joins bursts of small writes, because a system call costs more than all before it.

A write is sent at once unless it belongs to a burst: writes that follow each other
within BURST seconds. After the first FREE writes of a burst, the others wait for the
next turn of the event loop and are sent together. A token that comes alone is never
held, nor is the beginning of a response. An app that blocks the event loop in the
middle of a burst delays the rest of that burst.
"""

import asyncio
from collections.abc import Callable

# Seconds between two writes of a burst: longer than an app takes for its next message,
# shorter than a network takes for its next packet.
BURST = 0.0005
FREE = 4  # writes of a burst that are never held: prelude, first event, first token
MAX_HELD = 64 * 1024  # bytes


class Coalescer:
    """Writes to `sink`, which takes bytes and does not block.

    Needs a running event loop.
    """

    def __init__(self, sink: Callable[[bytes], object], *, burst: float = BURST) -> None:
        self._sink = sink
        self._burst = burst
        self._loop = asyncio.get_running_loop()
        self._wrote_at = float("-inf")
        self._length = 0
        self._held: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        now = self._loop.time()
        self._length = self._length + 1 if now - self._wrote_at < self._burst else 1
        self._wrote_at = now
        if self._length > FREE:
            self._hold(data)
        else:
            self.flush()
            self._sink(data)

    def flush(self) -> None:
        """Send the held bytes."""
        if self._held:
            data = b"".join(self._held)
            self._held.clear()
            self._size = 0
            self._sink(data)

    def _hold(self, data: bytes) -> None:
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(data)
        self._size += len(data)
        if self._size >= MAX_HELD:
            self.flush()
