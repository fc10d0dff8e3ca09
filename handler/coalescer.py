"""Bursts of small writes in few system calls, each of which costs more than all that leads up to it.

A write goes out at once, unless it is one of many: from the FREE-th on of those that follow one another within BURST
they wait for the event loop's next turn, and go together. So a token that comes alone is never held, nor are a
response's first pieces, and an app that sends without a pause fills segments instead of making a system call for every
chunk. What is held goes out no later than the next write after a pause; an app that blocks the event loop in the middle
of a burst holds up the rest of that itself.
"""

import asyncio
from collections.abc import Callable

BURST = 0.0005
"""Seconds: more than an app takes to its next message, less than a network to its next packet."""

FREE = 4
"""Writes of a burst that are not held: prelude, first event and first token among them."""

MOST = 64 * 1024
"""Bytes that are held at most."""


class Coalescer:
    """In front of `sink`, which takes bytes and does not block. Needs a running event loop."""

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
        """Lets go of what is held."""
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
        if self._size >= MOST:
            self.flush()
