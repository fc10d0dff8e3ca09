"""An event loop whose time passes when nothing else is to do: what sleeps is woken at once, in the right order.

For code without sockets and threads. `loop.time` is the clock to pass in.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import TypeVar


class _Selector(selectors.SelectSelector):
    """Instead of waiting it lets the time pass."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everything waits, and nothing will come")
        self.passed += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.passed


T = TypeVar("T")
Clock = Callable[[], float]


def run_virtual(main: Callable[[Clock], Coroutine[None, None, T]]) -> T:
    """Runs `main(clock)` to its end on a loop of its own."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        return runner.run(main(loop.time))
