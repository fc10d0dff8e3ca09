"""Makes turns and batches for tests, and a clock that a test sets."""

import time
import uuid
from dataclasses import replace
from typing import Any

from app.store import Batch, TurnHead

DAY = 86_400.0


class Clock:
    """A clock that a test advances.

    It begins now, so that nothing is expired for a real DynamoDB.
    """

    def __init__(self) -> None:
        self.now = float(int(time.time()))

    def __call__(self) -> float:
        return self.now


def new_id() -> str:
    return str(uuid.uuid4())


def a_turn(clock: Clock, owner: str, **changes: Any) -> TurnHead:
    """Returns a turn of this owner that expires in a day, by default in a new
    conversation.
    """
    plain = TurnHead(new_id(), owner, "p1", new_id(), None, "Hello?", "gpt-4o-mini", None, clock.now, clock.now + DAY)
    return replace(plain, **changes)


def a_batch(slot: int = 0, data: bytes = b'["Hi"]', **changes: Any) -> Batch:
    return replace(Batch(slot, data, "p1", 1_800_000_000.5), **changes)
