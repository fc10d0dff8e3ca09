"""When a producer counts as dead: by the reader's monotonic
clock, never by two wall clocks.
"""

import asyncio
from dataclasses import replace

import pytest

from app.chat.lifecycle import INTERRUPTED, LEASE
from app.chat.log_format import Numbered, encode
from app.chat.log_reader import DEAD_AFTER, LogReader
from app.chat.watch import MAX_TURNS, Watch
from app.contract import Start, Text
from app.store import Batch, StoreUnavailableError, TurnHead
from tests.fakes.store import FakeLog
from tests.fakes.virtual_time import Clock, run_virtual

HEAD = TurnHead("t", "me", "p", "c", None, "Hi", "m", None, 0.0, 1e9)
START = Start(turn_id="t", conversation_id="c", model="m")
SKEWS = (-DEAD_AFTER / 2, -3600.0, -12.0, 0.0, 12.0, 60.0, 3600.0, DEAD_AFTER / 2)
RENEW = 4.0


async def renewing(log: FakeLog, times: int) -> None:
    """A producer that only renews its lease."""
    await log.append(HEAD, Batch(0, encode(0, [START]), "p", LEASE))
    for slot in range(1, times):
        await asyncio.sleep(RENEW)
        await log.append(HEAD, Batch(slot, encode(1, []), "p", LEASE + slot * RENEW))


def reader(log: FakeLog, clock: Clock, skew: float = 0.0, watch: Watch | None = None) -> LogReader:
    return LogReader(log.store, "b", "r", watch or Watch(), clock=lambda: clock() + skew)


def is_interrupted(events: list[Numbered]) -> bool:
    return bool(events) and events[-1][1] == INTERRUPTED


@pytest.mark.parametrize("skew", SKEWS)
def test_live_turn_runs_for_readers_whose_clocks_differ(skew: float) -> None:
    async def main(clock: Clock) -> None:
        log, watch = FakeLog(), Watch()
        producing = asyncio.create_task(renewing(log, times=20))
        following = asyncio.create_task(anext_end(reader(log, clock, skew, watch)))
        while not producing.done():
            assert not is_interrupted(await reader(log, clock, skew, watch).read(HEAD))
            await asyncio.sleep(0.7)
        assert not following.done()
        following.cancel()

    run_virtual(main)


@pytest.mark.parametrize("skew", SKEWS)
def test_dead_turn_ends_for_followers_whose_clocks_differ(skew: float) -> None:
    async def main(clock: Clock) -> None:
        log = FakeLog()
        await renewing(log, times=3)
        began = clock()
        await anext_end(reader(log, clock, skew))
        assert LEASE < clock() - began < LEASE + 1

    run_virtual(main)


async def anext_end(follower: LogReader) -> None:
    """Waits until the turn has ended."""
    events = [event async for event in follower.follow(HEAD)]
    assert is_interrupted(events)


def test_reads_that_poll_find_a_dead_producer() -> None:
    async def main(clock: Clock) -> None:
        log, watch = FakeLog(), Watch()
        await renewing(log, times=2)
        for _ in range(4):
            assert not is_interrupted(await reader(log, clock, watch=watch).read(HEAD))
            await asyncio.sleep(LEASE * 0.3)
        assert is_interrupted(await reader(log, clock, watch=watch).read(HEAD))
        assert log.log[-1].final

    run_virtual(main)


def test_read_alone_finds_producer_dead_after_day() -> None:
    async def main(clock: Clock) -> None:
        log = FakeLog()
        assert not is_interrupted(await reader(log, clock, DEAD_AFTER).read(HEAD))
        assert is_interrupted(await reader(log, clock, DEAD_AFTER + LEASE + 1).read(HEAD))

    run_virtual(main)


def test_turn_that_is_produced_here_is_never_dead() -> None:
    async def main(clock: Clock) -> None:
        log = FakeLog()
        follower = LogReader(
            log.store, "b", "r", Watch(), is_produced_here=lambda turn: turn == HEAD, clock=lambda: clock() + 1e9
        )
        for _ in range(5):
            assert await follower.read(HEAD) == []
            await asyncio.sleep(LEASE)

    run_virtual(main)


class Broken(FakeLog):
    """A store that is unreachable between two points in time, also for a producer."""

    broken = False

    async def batches(self, turn: TurnHead, from_slot: int = 0) -> list[Batch]:
        if self.broken:
            raise StoreUnavailableError("broken")
        return await super().batches(turn, from_slot)


def test_outage_of_store_does_not_end_turn() -> None:
    async def main(clock: Clock) -> None:
        log = Broken()
        await log.append(HEAD, Batch(0, encode(0, [START]), "p", LEASE))
        following = asyncio.create_task(anext_end(reader(log, clock)))
        await asyncio.sleep(5)
        log.broken = True
        await asyncio.sleep(20)
        log.broken = False
        await asyncio.sleep(5)
        assert not following.done()
        await log.append(HEAD, Batch(1, encode(1, [Text(delta="a"), INTERRUPTED]), "p", LEASE, final=True))
        await following

    run_virtual(main)


def test_watch_forgets_turn_that_changed_least_recently() -> None:
    async def main(clock: Clock) -> None:
        del clock
        watch = Watch()
        turns = [replace(HEAD, turn_id=str(number)) for number in range(MAX_TURNS + 1)]
        for turn in turns:
            watch.unchanged(turn, 0)
        await asyncio.sleep(1)
        assert [watch.unchanged(turn, 0) for turn in (turns[1], turns[-1])] == [1.0, 1.0]
        assert watch.unchanged(turns[0], 0) == 0.0

    run_virtual(main)


def test_turn_of_same_id_is_watched_by_itself() -> None:
    async def main(clock: Clock) -> None:
        del clock
        watch = Watch()
        watch.unchanged(HEAD, 0)
        await asyncio.sleep(1)
        assert watch.unchanged(replace(HEAD, owner="other"), 0) == 0.0
        assert watch.unchanged(replace(HEAD, created_at=1.0), 0) == 0.0
        assert watch.unchanged(HEAD, 0) == 1.0

    run_virtual(main)
