"""What is reported of a turn at its end, measured from the arrival of the question."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from app.contract import End, Event, Refusal, Text, Usage


@dataclass(frozen=True)
class TurnReport:
    """`outcome` is a Status.

    Times are in seconds; `first_token` is None if there was none.
    """

    outcome: str
    code: str | None
    model: str
    first_token: float | None
    duration: float
    usage: Usage | None = None


OnEnd = Callable[[TurnReport], None]


class Stopwatch:
    """Measures one turn, and reports it once."""

    def __init__(self, model: str, on_end: OnEnd) -> None:
        self._model = model
        self._on_end = on_end
        self._began = time.monotonic()
        self._first_token: float | None = None

    def see(self, event: Event) -> None:
        """Notes the time of the first token."""
        if self._first_token is None and isinstance(event, Text | Refusal):
            self._first_token = time.monotonic() - self._began

    def stop(self, end: End) -> None:
        """Reports the turn."""
        duration = time.monotonic() - self._began
        code = end.error.code if end.error else end.reason
        self._on_end(TurnReport(end.status, code, self._model, self._first_token, duration, end.usage))
