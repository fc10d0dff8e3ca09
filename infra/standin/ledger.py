"""The requests that the stand-in has received, and what became of each. Safe to read from any thread."""

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

    `body` is the JSON received, or its text where it is none; `token` the bearer token, None without one; `port` the
    client's, which is the same for all requests of a connection. `state`:
    "open" while it is being answered, "finished" when the server has done its part (a cut included), "closed" when the
    client closed the connection before that. Times are in seconds since the Unix epoch.
    """

    body: JsonValue
    token: str | None
    port: int
    state: State
    received_at: float
    ended_at: float | None = None


class Ledger:
    """Keeps `Received` in the order of arrival."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._numbers = count()
        self._entries: dict[int, Received] = {}
        self._seen: Counter[Hashable] = Counter()

    def received(self, body: JsonValue, token: str | None, port: int) -> int:
        """Enters a request, open; returns its number for `ended`."""
        with self._changed:
            number = next(self._numbers)
            self._entries[number] = Received(body, token, port, "open", time.time())
            self._changed.notify_all()
        return number

    def ended(self, number: int, state: State) -> None:
        """Says how a request ended. The first word counts; of a forgotten request there is nothing to say."""
        with self._changed:
            entry = self._entries.get(number)
            if entry is not None and entry.state == "open":
                self._entries[number] = replace(entry, state=state, ended_at=time.time())
                self._changed.notify_all()

    def nth(self, what: Hashable) -> int:
        """How many times this has been asked about `what`, this time included."""
        with self._changed:
            self._seen[what] += 1
            return self._seen[what]

    def clear(self) -> None:
        """Forgets requests and counts."""
        with self._changed:
            self._entries.clear()
            self._seen.clear()

    def requests(self) -> list[Received]:
        with self._changed:
            return list(self._entries.values())

    def wait(self, ready: Callable[[list[Received]], bool], within: float) -> list[Received]:
        """The requests as soon as they are `ready`; TimeoutError, showing them, after `within` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: ready(self.requests()), within):
                raise TimeoutError(f"not within {within} s; received: {self.requests()}")
            return self.requests()
