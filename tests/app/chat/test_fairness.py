"""A long log does not block other tasks, even if its reader is fast."""

import asyncio
from collections.abc import AsyncGenerator
from typing import cast

from app.chat.live import BREATH, LiveLog
from app.chat.log_format import MAX_EVENTS, Numbered, encode_batches
from app.chat.log_reader import LogReader
from app.chat.watch import Watch
from app.contract import End, Event, Start, Status, Text
from app.store import Batch, Store, TurnHead

HEAD = TurnHead("t", "me", "p", "c", None, "Hi", "m", None, 0.0, 1e12)
COUNT = 50_000
START = Start(turn_id="t", conversation_id="c", model="m")
EVENTS: list[Event] = [START, *(Text(delta="a") for _ in range(COUNT - 2)), End(status=Status.COMPLETED)]


class Stored:
    """A store with the log of one ended turn."""

    def __init__(self) -> None:
        parts = [data for data, _ in encode_batches(0, EVENTS)]
        self.log = [Batch(slot, data, "p", 0.0, slot + 1 == len(parts)) for slot, data in enumerate(parts)]

    async def batches(self, turn: TurnHead, from_slot: int = 0) -> list[Batch]:
        del turn
        return self.log[from_slot:]


class Others:
    """Counts how often another task runs."""

    def __init__(self) -> None:
        self.runs = 0

    async def run(self) -> None:
        while True:
            self.runs += 1
            await asyncio.sleep(0)


async def runs_of_others(events: AsyncGenerator[Numbered]) -> int:
    others = Others()
    task = asyncio.create_task(others.run())
    assert [number async for number, _ in events] == list(range(COUNT))
    task.cancel()
    return others.runs


def follower() -> LogReader:
    return LogReader(cast("Store", Stored()), "b", "r", Watch())


async def test_a_live_log_lets_others_run() -> None:
    live = LiveLog()
    for event in EVENTS:
        live.add(event)
    assert await runs_of_others(live.follow()) >= COUNT // BREATH


async def test_a_followed_log_lets_others_run() -> None:
    assert await runs_of_others(follower().follow(HEAD)) >= COUNT // BREATH


async def test_a_log_that_is_read_lets_others_run() -> None:
    others = Others()
    task = asyncio.create_task(others.run())
    events = await follower().read(HEAD)
    task.cancel()
    assert others.runs >= COUNT // MAX_EVENTS
    assert len(events) <= len(Stored().log) + 2
    assert "".join(event.delta for _, event in events if isinstance(event, Text)) == "a" * (COUNT - 2)


def test_a_batch_holds_a_bounded_number_of_events() -> None:
    assert max(count for _, count in encode_batches(0, EVENTS)) <= MAX_EVENTS
