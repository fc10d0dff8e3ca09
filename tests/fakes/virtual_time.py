"""An event loop with a virtual clock: if all tasks sleep, the
time of the next one is set at once.

For code without sockets and threads. `loop.time` is the clock to pass in.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import TypeVar


class _Selector(selectors.SelectSelector):
    """Advances the time instead of waiting."""

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
    """Runs `main(clock)` on a new loop."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        return runner.run(main(loop.time))
