"""The requests that the stand-in has received, and how each ended.

Safe to read from any thread.
"""

import time
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from itertools import count
from threading import Condition
from typing import Literal

from pydantic import JsonValue

State = Literal["open", "finished", "closed"]


@dataclass(frozen=True, slots=True)
class Received:
    """One `POST /v1/responses`.

    `body` is the JSON, or the text if it is not JSON; `token` is the bearer token, None
    without one; `port` is the client's, the same for all requests of a connection.
    `state` is "open" during the answer, "finished" when the server has ended it (a cut
    included), and "closed" if the client closed the connection before. Times are in
    seconds since the epoch.
    """

    body: JsonValue
    token: str | None
    port: int
    state: State
    received_at: float
    ended_at: float | None = None


class RequestLog:
    """The received requests in the order of arrival."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._numbers = count()
        self._entries: dict[int, Received] = {}
        self._seen: Counter[Hashable] = Counter()

    def add(self, body: JsonValue, token: str | None, port: int) -> int:
        """Adds an open request. Returns its number for `end`."""
        with self._changed:
            number = next(self._numbers)
            self._entries[number] = Received(body, token, port, "open", time.time())
            self._changed.notify_all()
        return number

    def end(self, number: int, state: State) -> None:
        """Sets how a request ended.

        Only the first call counts; after a reset nothing is set.
        """
        with self._changed:
            entry = self._entries.get(number)
            if entry is not None and entry.state == "open":
                self._entries[number] = replace(entry, state=state, ended_at=time.time())
                self._changed.notify_all()

    def count(self, what: Hashable) -> int:
        """Returns how many times this was called for `what`, including this time."""
        with self._changed:
            self._seen[what] += 1
            return self._seen[what]

    def reset(self) -> None:
        """Removes requests and counts."""
        with self._changed:
            self._entries.clear()
            self._seen.clear()

    def requests(self) -> list[Received]:
        with self._changed:
            return list(self._entries.values())

    def wait(self, ready: Callable[[list[Received]], bool], within: float) -> list[Received]:
        """Waits until the requests are `ready`, and returns them.

        Raises TimeoutError, which shows them, after `within` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: ready(self.requests()), within):
                raise TimeoutError(f"not within {within} s; received: {self.requests()}")
            return self.requests()
