"""Named gates: a play waits at one until somebody, from whatever thread, opens it. An open gate stays open."""

import asyncio
from concurrent.futures import Future
from threading import Lock


class Gates:
    """Gates come into being, shut, when they are first named."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._gates: dict[str, Future[None]] = {}

    def open(self, name: str) -> None:
        """Lets everyone pass who waits at this gate, and everyone who comes later."""
        with self._lock:
            gate = self._gates.setdefault(name, Future())
            if not gate.done():
                gate.set_result(None)

    async def passed(self, name: str) -> None:
        """Returns when the gate is open."""
        with self._lock:
            gate = self._gates.setdefault(name, Future())
        # shielded: one client that goes away must not cancel the gate for the others
        await asyncio.shield(asyncio.wrap_future(gate))

    def shut(self) -> None:
        """Shuts the gates that are open; whoever waits at another goes on waiting for it."""
        with self._lock:
            self._gates = {name: gate for name, gate in self._gates.items() if not gate.done()}
