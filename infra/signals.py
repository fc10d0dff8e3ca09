"""Work of an application before its server shuts down.

After SIGINT or SIGTERM a server first waits for open responses, and then ends the
lifespan: too late to end those responses.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def at_exit_signal(act: Callable[[], Coroutine[Any, Any, None]]) -> Iterator[None]:
    """Runs `act` in the running event loop at SIGINT and
    SIGTERM, before the server's handler.

    It does nothing outside the main thread, which receives the signals.
    """
    loop = asyncio.get_running_loop()
    handlers: dict[int, Callable[[int, FrameType | None], object]] = {}
    tasks: set[asyncio.Task[None]] = set()

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(lambda: tasks.add(loop.create_task(act())))
        handlers[number](number, frame)

    if threading.current_thread() is threading.main_thread():
        for each in SIGNALS:
            handler = signal.getsignal(each)
            if callable(handler):
                handlers[each] = handler
                signal.signal(each, handle)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
