"""How long a response waits for an answer, and that its
failure is sent before the deadline.
"""

import asyncio
from typing import cast

import pytest

from app.chat.lifecycle import LONGEST_SILENCE
from app.chat.turns import Caller, Turns
from app.contract import ChatRequest, End, Status
from app.problems import RateLimited, UpstreamTooSlow
from app.settings import Settings
from app.upstream.client import Upstream
from app.upstream.prompt import Prompt
from tests.fakes.store import FakeLog
from tests.fakes.virtual_time import Clock, run_virtual


class Silent:
    """An upstream that fails after a number of seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def open(self, prompt: Prompt) -> None:
        del prompt
        await asyncio.sleep(self._seconds)
        raise RateLimited


def chat(seconds: float, clock: Clock) -> Turns:
    settings = Settings(_env_file=None, openai_api_key="k")
    return Turns(settings, cast("Upstream", Silent(seconds)), FakeLog().store, lambda _: None, clock)


def test_a_failure_before_the_limit_is_raised() -> None:
    async def main(clock: Clock) -> None:
        with pytest.raises(RateLimited):
            await chat(19, clock).begin(Caller("me", "r"), ChatRequest(message="Hi"))

    run_virtual(main)


def test_failure_after_limit_is_in_end() -> None:
    async def main(clock: Clock) -> None:
        turn = await chat(200, clock).begin(Caller("me", "r"), ChatRequest(message="Hi"))
        assert (clock(), turn.has_begun) == (LONGEST_SILENCE, False)
        *_, (_, end) = [event async for event in turn.events()]
        assert isinstance(end, End)
        assert (end.status, end.reason) == (Status.FAILED, "rate_limited")

    run_virtual(main)


@pytest.mark.parametrize("deadline", [1.0, 10.0, 23.0])
def test_a_silent_upstream_fails_before_the_deadline(deadline: float) -> None:
    async def main(clock: Clock) -> None:
        with pytest.raises(UpstreamTooSlow):
            await chat(1e6, clock).begin(Caller("me", "r", deadline), ChatRequest(message="Hi"))
        assert clock() < deadline

    run_virtual(main)


def test_silent_upstream_ends_failed_before_late_deadline() -> None:
    async def main(clock: Clock) -> None:
        turn = await chat(1e6, clock).begin(Caller("me", "r", 60.0), ChatRequest(message="Hi"))
        *_, (_, end) = [event async for event in turn.events()]
        assert isinstance(end, End)
        assert (end.status, end.reason) == (Status.FAILED, "upstream_too_slow")
        assert clock() < 60

    run_virtual(main)
