"""Bursts of small writes in few system calls, each of which costs more than all that leads up to it.

A write goes out at once, unless it follows the one before within BURST: then it waits for the event loop's next turn,
together with those that come until then. So a token that comes alone is never held, and an app that sends without a
pause fills segments instead of making a system call for every chunk.
"""

import asyncio
from collections.abc import Callable

BURST = 0.0005
"""Seconds: more than an app takes to its next message, less than a network to its next packet."""

MOST = 64 * 1024
"""Bytes that are held at most."""


class Coalescer:
    """In front of `sink`, which takes bytes and does not block. Needs a running event loop."""

    def __init__(self, sink: Callable[[bytes], object], *, burst: float = BURST) -> None:
        self._sink = sink
        self._burst = burst
        self._loop = asyncio.get_running_loop()
        self._wrote_at = float("-inf")
        self._held: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        now = self._loop.time()
        pause, self._wrote_at = now - self._wrote_at, now
        if pause >= self._burst and not self._held:
            self._sink(data)
            return
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(data)
        self._size += len(data)
        if self._size >= MOST:
            self.flush()

    def flush(self) -> None:
        """Lets go of what is held."""
        if self._held:
            data = b"".join(self._held)
            self._held.clear()
            self._size = 0
            self._sink(data)
