"""The log writer alone, without an answer: slots, leases, requests to stop, the end."""

import asyncio

import pytest

from app.chat import log_format
from app.chat.lifecycle import LEASE, STOPPED
from app.chat.live import LiveLog
from app.chat.log_writer import RENEW_AFTER, LogWriter
from app.contract import End, Start, Status, Text
from app.store import SlotTakenError, StoreUnavailableError, TurnHead
from tests.fakes.store import FakeLog
from tests.fakes.virtual_time import Clock, run_virtual

HEAD = TurnHead("t", "me", "p", "c", None, "Hi", "m", None, 0.0, 1e9)
START = Start(turn_id="t", conversation_id="c", model="m")
DONE = End(status=Status.COMPLETED)


def started() -> LiveLog:
    live = LiveLog()
    live.add(START)
    return live


def test_new_events_take_the_next_slot() -> None:
    async def main(clock: Clock) -> None:
        live, log = started(), FakeLog()
        writer = LogWriter(HEAD, live, log.store, clock=clock)
        assert not await writer.write()
        live.add(Text(delta="a"))
        await writer.write()
        assert [log_format.decode(batch.data) for batch in log.log] == [[(0, START)], [(1, Text(delta="a"))]]

    run_virtual(main)


def test_silence_writes_only_when_lease_is_due() -> None:
    async def main(clock: Clock) -> None:
        log = FakeLog()
        writer = LogWriter(HEAD, started(), log.store, clock=clock)
        await writer.write()
        await writer.write()
        assert log.writes == 1
        await asyncio.sleep(RENEW_AFTER)
        await writer.write()
        assert log.writes == 2
        assert log.log[1].lease_until == pytest.approx(RENEW_AFTER + LEASE)

    run_virtual(main)


@pytest.mark.parametrize("has_events", [True, False], ids=["with events", "in silence"])
def test_request_to_stop_is_returned(*, has_events: bool) -> None:
    async def main(clock: Clock) -> None:
        live, log = started(), FakeLog()
        writer = LogWriter(HEAD, live, log.store, clock=clock)
        await writer.write()
        await log.request_stop(HEAD, 1)
        if has_events:
            live.add(Text(delta="a"))
        assert await writer.write()

    run_virtual(main)


@pytest.mark.parametrize("outcome", ["before", "after"])
def test_batch_of_unknown_outcome_is_offered_first(outcome: str) -> None:
    async def main(clock: Clock) -> None:
        faults = iter([outcome])
        live, log = started(), FakeLog(fault=lambda: next(faults, None))
        writer = LogWriter(HEAD, live, log.store, clock=clock)
        with pytest.raises(StoreUnavailableError):
            await writer.write()
        live.add(Text(delta="a"))
        await writer.write()
        events = [numbered for batch in log.log for numbered in log_format.decode(batch.data)]
        assert events == [(0, START), (1, Text(delta="a"))]
        assert [batch.slot for batch in log.log] == [0, 1]

    run_virtual(main)


def test_end_is_written_once_despite_faults() -> None:
    async def main(clock: Clock) -> None:
        faults = iter(["before", "after", "before"])
        log = FakeLog(fault=lambda: next(faults, None))
        writer = LogWriter(HEAD, started(), log.store, clock=clock)
        await writer.write_end(STOPPED)
        assert [batch.final for batch in log.log] == [True]

    run_virtual(main)


def test_last_attempt_raises_its_error() -> None:
    async def main(clock: Clock) -> None:
        log = FakeLog(fault=lambda: "before")
        with pytest.raises(StoreUnavailableError):
            await LogWriter(HEAD, started(), log.store, clock=clock).write_end(DONE)
        assert clock() == pytest.approx(4.0)

    run_virtual(main)


def test_taken_slot_loses_the_turn() -> None:
    async def main(clock: Clock) -> None:
        log = FakeLog()
        log.refuse_all = True
        writer = LogWriter(HEAD, started(), log.store, clock=clock)
        with pytest.raises(SlotTakenError):
            await writer.write()
        with pytest.raises(SlotTakenError):
            await writer.write_end(DONE)

    run_virtual(main)
