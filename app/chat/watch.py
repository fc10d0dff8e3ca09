"""How long this process has seen the logs of running turns unchanged.

A producer renews its lease by appending to its log. Its wall clock and that of a reader
may differ, so a reader does not compare the lease with its own clock: it measures, on
its monotonic clock, for how long the log has not changed. A watch lasts over several
requests, so a client that polls also learns of a dead producer.
"""

import asyncio

from app.store import TurnHead

MAX_TURNS = 1000  # watched at once; beyond, the turn unchanged for longest is dropped


class Watch:
    """The next slots of the logs of turns, and since when each is the next one."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, float], tuple[int, float]] = {}

    def unchanged(self, turn: TurnHead, slot: int) -> float:
        """Returns the seconds since the log was first seen to end before this slot.

        0.0 for the first time.
        """
        now = asyncio.get_running_loop().time()
        seen, since = self._seen.get(_key(turn), (None, now))
        if seen == slot:
            return now - since
        self.forget(turn)
        self._seen[_key(turn)] = slot, now
        if len(self._seen) > MAX_TURNS:
            del self._seen[next(iter(self._seen))]
        return 0.0

    def forget(self, turn: TurnHead) -> None:
        """Restarts the watch: the turn is over, or its log could not be read."""
        self._seen.pop(_key(turn), None)


def _key(turn: TurnHead) -> tuple[str, str, float]:
    return turn.owner, turn.turn_id, turn.created_at
