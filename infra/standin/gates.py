"""Named gates: a script waits at a gate until any thread opens it.

An open gate stays open.
"""

import asyncio
from concurrent.futures import Future
from threading import Lock


class Gates:
    """All gates. A gate is shut until it is opened."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._gates: dict[str, Future[None]] = {}

    def open(self, name: str) -> None:
        """Opens a gate, for present and later scripts."""
        with self._lock:
            gate = self._gates.setdefault(name, Future())
            if not gate.done():
                gate.set_result(None)

    async def wait_open(self, name: str) -> None:
        """Waits until the gate is open."""
        with self._lock:
            gate = self._gates.setdefault(name, Future())
        # shielded: a client that disconnects must not cancel the gate for the others
        await asyncio.shield(asyncio.wrap_future(gate))

    def shut(self) -> None:
        """Shuts the open gates; scripts that wait at other gates go on waiting."""
        with self._lock:
            self._gates = {name: gate for name, gate in self._gates.items() if not gate.done()}
