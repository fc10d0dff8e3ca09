"""A stop returns in bounded time, even if the producer ignores it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from app.chat.lifecycle import LEASE, STOP_LIMIT
from app.chat.log_format import encode
from app.chat.turns import Caller, Turns
from app.contract import ChatRequest, Event, Start, Status, Text
from app.settings import Settings
from app.store import Batch, TurnHead
from app.upstream.client import Prompt, Upstream
from tests.fakes.store import FakeLog
from tests.fakes.virtual_time import Clock, run_virtual

HEAD = TurnHead("t", "me", "p", "c", None, "Hi", "m", None, 0.0, 1e9)
EVENTS: list[Event] = [Start(turn_id="t", conversation_id="c", model="m"), Text(delta="a")]
ME = Caller("me", "r")


class SlowToClose:
    """An upstream whose answer never ends, and whose
    connection takes a minute to close.
    """

    async def open(self, prompt: Prompt) -> "SlowToClose":
        del prompt
        return self

    def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        return self._events()

    async def __anext__(self) -> dict[str, Any]:
        return {"type": "response.created"}

    async def _events(self) -> AsyncIterator[dict[str, Any]]:
        yield {"type": "response.output_text.delta", "delta": "a"}
        await asyncio.sleep(1e6)

    async def close(self) -> None:
        await asyncio.sleep(60)


def chat(log: FakeLog, clock: Clock) -> Turns:
    settings = Settings(_env_file=None, openai_api_key="k")
    return Turns(settings, cast("Upstream", SlowToClose()), log.store, lambda _: None, clock)


def elsewhere() -> FakeLog:
    """The log of a turn of another process, whose answer has begun."""
    log = FakeLog()
    log.turn = HEAD
    log.log.append(Batch(0, encode(0, EVENTS), "p", LEASE))
    return log


async def deaf(log: FakeLog) -> None:
    """A producer that renews its lease and ignores a stop."""
    while True:
        await asyncio.sleep(1)
        await log.append(HEAD, Batch(len(log.log), encode(2, []), "p", LEASE))


@pytest.mark.parametrize(("deadline", "limit"), [(None, STOP_LIMIT), (9.0, 6.0), (1.0, 0.0)])
def test_stop_that_is_not_obeyed_returns_running_turn(deadline: float | None, limit: float) -> None:
    async def main(clock: Clock) -> None:
        log = elsewhere()
        producing = asyncio.create_task(deaf(log))
        turn = await chat(log, clock).stop(Caller("me", "r", deadline), "t")
        assert (turn.status, turn.text) == (Status.RUNNING, "a")
        assert clock() == pytest.approx(limit, abs=1)
        producing.cancel()

    run_virtual(main)


def test_stop_ends_dead_turn() -> None:
    async def main(clock: Clock) -> None:
        turn = await chat(elsewhere(), clock).stop(ME, "t")
        assert (turn.status, turn.text) == (Status.INTERRUPTED, "a")
        assert LEASE < clock() < STOP_LIMIT

    run_virtual(main)


def test_stop_does_not_wait_for_slow_upstream() -> None:
    async def main(clock: Clock) -> None:
        log = FakeLog()
        chatting = chat(log, clock)
        opened = await chatting.begin(ME, ChatRequest(message="Hi"))
        await asyncio.sleep(1)
        turn = await chatting.stop(ME, opened.head.turn_id)
        assert (turn.status, turn.text) == (Status.RUNNING, "a")
        assert clock() == pytest.approx(1 + STOP_LIMIT)
        await opened.wait_stored()
        assert (await chatting.read(ME, opened.head.turn_id)).status is Status.STOPPED

    run_virtual(main)
