"""The producer and its followers, on a virtual clock: any schedule of deltas, delays,
faults, cuts and reconnects.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.chat.lifecycle import DAY, GRACE, INTERRUPTED, LEASE
from app.chat.log_format import Numbered, decode
from app.chat.log_reader import LogReader
from app.chat.producer import INTERVAL, Producer
from app.chat.report import Stopwatch, TurnReport
from app.chat.watch import Watch
from app.contract import End, Event, Start, Status, Text, Usage
from app.problems import Problem, RateLimited, UpstreamCut
from app.store import Store, TurnHead
from app.upstream.answer import Answer
from tests.fakes.store import FakeLog, Fault
from tests.fakes.virtual_time import Clock, run_virtual

HEAD = TurnHead("t", "me", "p", "c", None, "Hi", "m", None, 0.0, 1e9)
START = Start(turn_id="t", conversation_id="c", model="m")
DONE = End(status=Status.COMPLETED, usage=Usage(output_tokens=7))


class ScriptedAnswer(Answer):
    """Events, each after a number of seconds; then a Problem, if there is one."""

    def __init__(self, script: Sequence[tuple[float, Event]], problem: Problem | None = None) -> None:
        self._script = script
        self._problem = problem
        self.closed_at: float | None = None

    async def events(self) -> AsyncGenerator[Event]:
        for delay, event in self._script:
            await asyncio.sleep(delay)
            yield event
        raise self._problem or UpstreamCut()

    async def close(self) -> None:
        self.closed_at = asyncio.get_running_loop().time()


@dataclass
class Turn:
    """A producer with its answer and its log."""

    producer: Producer
    answer: ScriptedAnswer
    log: FakeLog
    reports: list[TurnReport]

    def stored(self) -> list[Numbered]:
        return [numbered for batch in self.log.log for numbered in decode(batch.data)]

    def kept_text(self) -> str:
        return text_of(self.stored())


def text_of(events: Sequence[Numbered]) -> str:
    return "".join(event.delta for _, event in events if isinstance(event, Text))


def turn(
    answer: ScriptedAnswer,
    log: FakeLog,
    clock: Clock,
    *,
    head: TurnHead = HEAD,
    opens_after: float | Problem = 0.0,
    deadline: float | None = None,
) -> Turn:
    async def opening() -> Answer:
        if isinstance(opens_after, Problem):
            raise opens_after
        await asyncio.sleep(opens_after)
        return answer

    reports: list[TurnReport] = []
    producer = Producer(
        head,
        START,
        opening,
        log.store,
        watch=Stopwatch("m", reports.append),
        request_id="r",
        deadline=deadline,
        clock=clock,
    )
    return Turn(producer, answer, log, reports)


def tokens(count: int, every: float = 0.02) -> list[tuple[float, Event]]:
    return [(every, Text(delta=f"w{number} ")) for number in range(count)]


def follower(store: Store, name: str, clock: Clock, watch: Watch | None = None) -> LogReader:
    return LogReader(store, name, "r", watch or Watch(), clock=clock)


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
seconds = st.sampled_from([0.0, 0.001, 0.1, 0.4, 0.5, 0.6, 2.0, 5.0])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(seconds, texts), max_size=30),
    st.lists(st.sampled_from([0.0, 0.01, 0.3, 1.0]), min_size=1, max_size=5),
    st.lists(st.sampled_from([None, None, None, "before", "after"]), max_size=4),
    st.lists(st.tuples(seconds, st.integers(1, 12)), max_size=5),
)
def test_every_follower_reads_the_whole_answer(
    deltas: list[tuple[float, str]],
    delays: list[float],
    faults: list[str | None],
    reconnects: list[tuple[float, int]],
) -> None:
    """One process produces (A); another (B) follows by the log, is cut off after some
    events, and resumes later.

    There are fewer faults than attempts to keep the end.
    """
    script: list[tuple[float, Event]] = [*((delay, Text(delta=text)) for delay, text in deltas), (0.0, DONE)]
    upcoming = iter(faults)

    async def main(clock: Clock) -> None:
        made = turn(ScriptedAnswer(script), FakeLog(delays, lambda: next(upcoming, None)), clock)
        producing = asyncio.create_task(made.producer.run())
        here = asyncio.create_task(read(made.producer.live.follow()))
        there = await read_with_cuts(follower(made.log.store, "b", clock), reconnects)
        assert await producing == DONE
        assert await here == there == list(enumerate([START, *(event for _, event in script)]))
        assert made.stored() == there

    run_virtual(main)


async def read(events: AsyncGenerator[Numbered]) -> list[Numbered]:
    return [event async for event in events]


async def read_with_cuts(follower: LogReader, reconnects: Sequence[tuple[float, int]]) -> list[Numbered]:
    """Reads with cuts: each connection but the last has a
    number of events and then a pause.
    """
    seen: list[Numbered] = []
    for pause, length in reconnects:
        async with aclosing(follower.follow(HEAD, len(seen))) as events:
            async for event in events:
                seen.append(event)
                if isinstance(event[1], End):
                    return seen
                if len(seen) % length == 0:
                    break
        await asyncio.sleep(pause)
    return seen + await read(follower.follow(HEAD, len(seen)))


def test_answer_of_20_seconds_takes_few_writes() -> None:
    async def main(clock: Clock) -> int:
        made = turn(ScriptedAnswer([*tokens(1000), (0.0, DONE)]), FakeLog([0.005]), clock)
        await made.producer.run()
        assert clock() == pytest.approx(20, abs=0.5)
        return made.log.writes

    assert run_virtual(main) <= 40  # and five write units at the beginning: see test_write_units.py


def test_batch_is_written_by_time_or_size() -> None:
    async def main(clock: Clock) -> None:
        made = turn(
            ScriptedAnswer([(0.1, Text(delta="a")), (0.1, Text(delta="x" * 5000)), (9, DONE)]), FakeLog(), clock
        )
        asyncio.get_running_loop().call_at(0.25, lambda: sizes.append(len(made.log.log)))
        await made.producer.run()

    sizes: list[int] = []
    run_virtual(main)
    assert sizes == [1]
    assert INTERVAL == 0.5


def test_silence_renews_lease() -> None:
    async def main(clock: Clock) -> None:
        made = turn(ScriptedAnswer([(60, Text(delta="a")), (0, DONE)]), FakeLog(), clock, opens_after=30)
        producing = asyncio.create_task(made.producer.run())
        assert (await read(follower(made.log.store, "b", clock).follow(HEAD)))[-1][1] == DONE
        await producing

    run_virtual(main)


@pytest.mark.parametrize("opens_after", [0.0, 30.0], ids=["while it answers", "before it answers"])
def test_remote_stop_ends_generation_within_second(opens_after: float) -> None:
    async def main(clock: Clock) -> None:
        made = turn(ScriptedAnswer(tokens(5000)), FakeLog([0.005]), clock, opens_after=opens_after)
        producing = asyncio.create_task(made.producer.run())
        await asyncio.sleep(3.3)
        asked_at = clock()
        while not await made.log.request_stop(HEAD, len(made.log.log)):
            pass
        end = await producing
        assert end.status is Status.STOPPED
        assert clock() - asked_at < 1
        if not opens_after:
            assert made.answer.closed_at is not None
            assert made.kept_text() == text_of(list(enumerate(made.producer.live.since(0))))
        assert made.stored()[-1][1] == end

    run_virtual(main)


def test_local_stop_is_immediate() -> None:
    async def main(clock: Clock) -> None:
        made = turn(ScriptedAnswer([(99, DONE)]), FakeLog(), clock)
        asyncio.get_running_loop().call_at(1.2, made.producer.stop)
        assert (await made.producer.run()).status is Status.STOPPED
        assert clock() == pytest.approx(1.2)

    run_virtual(main)


class SlowToClose(ScriptedAnswer):
    """Its connection takes a second to close."""

    async def close(self) -> None:
        await asyncio.sleep(1)
        await super().close()


@pytest.mark.parametrize("deadline", [None, 0.5 + GRACE], ids=["stop", "deadline"])
def test_received_end_wins_over_later_stop(
    deadline: float | None,
) -> None:
    async def main(clock: Clock) -> None:
        made = turn(SlowToClose([*tokens(3), (0, DONE)]), FakeLog(), clock, deadline=deadline)
        if deadline is None:
            asyncio.get_running_loop().call_at(0.5, made.producer.stop)
        assert await made.producer.run() == made.stored()[-1][1] == DONE
        assert clock() < 0.7

    run_virtual(main)


def test_turn_ends_before_deadline_of_host() -> None:
    async def main(clock: Clock) -> None:
        made = turn(ScriptedAnswer(tokens(5000)), FakeLog([0.005]), clock, deadline=30)
        end = await made.producer.run()
        assert (end.status, end.reason) == (Status.INCOMPLETE, "deadline")
        assert clock() == pytest.approx(30 - GRACE, abs=0.1)
        assert made.kept_text().startswith("w0 w1 ")

    run_virtual(main)


def test_hanging_store_does_not_delay_deadline() -> None:
    async def main(clock: Clock) -> None:
        made = turn(ScriptedAnswer(tokens(5000)), FakeLog([60.0]), clock, deadline=30)
        end = await made.producer.run()
        assert (end.status, end.reason) == (Status.INCOMPLETE, "deadline")
        assert end.error
        assert end.error.code == "not_kept"
        assert clock() < 30

    run_virtual(main)


def test_expired_lease_is_claimed_by_one_reader() -> None:
    async def main(clock: Clock) -> None:
        made = turn(ScriptedAnswer(tokens(5000)), FakeLog([0.005]), clock)
        producing = asyncio.create_task(made.producer.run())
        await asyncio.sleep(2.2)
        producing.cancel()  # nothing more is written, as after kill -9
        died_at = clock()
        followers = [read(follower(made.log.store, name, clock).follow(HEAD)) for name in "abc"]
        first, *others = await asyncio.gather(*followers)
        assert first[-1][1] == INTERRUPTED
        assert all(other == first for other in others)
        assert 0 < clock() - died_at - LEASE < 1
        assert [batch.final for batch in made.log.log].count(True) == 1
        assert text_of(first).startswith("w0 w1 ")

    run_virtual(main)


def test_paused_producer_finds_turn_ended() -> None:
    async def main(clock: Clock) -> None:
        made = turn(ScriptedAnswer(tokens(5000)), FakeLog(), clock)
        producing = asyncio.create_task(made.producer.run())
        await asyncio.sleep(2.2)
        made.log.stall = LEASE + 1
        assert (await read(follower(made.log.store, "b", clock).follow(HEAD)))[-1][1] == INTERRUPTED
        assert (await producing).status is Status.INTERRUPTED
        assert made.answer.closed_at is not None
        assert [batch.final for batch in made.log.log].count(True) == 1

    run_virtual(main)


def failing_from(clock: Clock, begin: float, end: float) -> Fault:
    return lambda: "before" if begin <= clock() < end else None


def test_failing_store_does_not_delay_stream() -> None:
    async def main(clock: Clock) -> None:
        made = turn(ScriptedAnswer([*tokens(250), (0, DONE)]), FakeLog([0.0], failing_from(clock, 1, 4)), clock)
        producing = asyncio.create_task(made.producer.run())
        await asyncio.sleep(3.05)
        assert len(made.producer.live) == 1 + 152
        assert await producing == DONE
        assert made.stored() == list(enumerate(made.producer.live.since(0)))

    run_virtual(main)


def test_unstored_answer_is_reported_in_end() -> None:
    async def main(clock: Clock) -> None:
        made = turn(ScriptedAnswer([*tokens(100), (0, DONE)]), FakeLog([0.0], failing_from(clock, 1, 99)), clock)
        end = await made.producer.run()
        assert (end.status, end.usage) == (DONE.status, DONE.usage)
        assert end.error
        assert end.error.code == "not_kept"
        assert clock() < 8

    run_virtual(main)


def test_upstream_refusal_reaches_caller_and_store() -> None:
    async def main(clock: Clock) -> None:
        made = turn(ScriptedAnswer([]), FakeLog(), clock, opens_after=RateLimited())
        await made.producer.run()
        with pytest.raises(RateLimited):
            await made.producer.started
        end = made.stored()[-1][1]
        assert isinstance(end, End)
        assert (end.status, end.reason) == (Status.FAILED, "rate_limited")

    run_virtual(main)


@pytest.mark.parametrize(
    ("script", "opens_after", "expires_at", "forgotten_at"),
    [
        ([], RateLimited(), 90 * DAY, DAY),
        ([], 0.0, 90 * DAY, DAY),
        ([(0, Text(delta="a"))], 0.0, 90 * DAY, None),
        ([(0, End(status=Status.INCOMPLETE))], 0.0, 90 * DAY, None),
        ([], RateLimited(), DAY, None),
    ],
    ids=["refused", "cut before the first token", "cut after it", "incomplete", "refused and short-lived"],
)
def test_failure_without_text_is_stored_one_day(
    script: list[tuple[float, Event]], opens_after: float | Problem, expires_at: float, forgotten_at: float | None
) -> None:
    async def main(clock: Clock) -> None:
        head = replace(HEAD, expires_at=expires_at)
        made = turn(ScriptedAnswer(script), FakeLog(), clock, head=head, opens_after=opens_after)
        await made.producer.run()
        *others, last = made.log.log
        assert last.final
        assert last.expires_at == (forgotten_at and pytest.approx(forgotten_at, abs=1))
        assert [batch.expires_at for batch in others] == [None] * len(others)

    run_virtual(main)


def test_turn_is_reported_once() -> None:
    async def main(clock: Clock) -> None:
        made = turn(ScriptedAnswer([*tokens(3), (0, DONE)]), FakeLog(), clock)
        await made.producer.run()
        (report,) = made.reports
        assert (report.outcome, report.code, report.usage) == ("completed", None, DONE.usage)

    run_virtual(main)


def test_huge_delta_is_stored_in_pieces() -> None:
    async def main(clock: Clock) -> None:
        made = turn(ScriptedAnswer([(0, Text(delta="ü" * 1_000_000)), (0, DONE)]), FakeLog(), clock)
        await made.producer.run()
        assert made.kept_text() == "ü" * 1_000_000
        assert max(len(batch.data) for batch in made.log.log) <= 300 * 1024

    run_virtual(main)


def test_deleted_turn_ends_for_followers() -> None:
    async def main(clock: Clock) -> None:
        gone = FakeLog()
        gone.refuse_all = True
        assert await read(follower(gone.store, "b", clock).follow(HEAD)) == [(0, START), (1, INTERRUPTED)]

    run_virtual(main)
