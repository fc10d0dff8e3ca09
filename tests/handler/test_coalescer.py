"""Writes that come in bursts go out together, and no others."""

import asyncio
import time

import pytest

from handler.coalescer import FREE, MOST, Coalescer


@pytest.fixture
def sent() -> list[bytes]:
    return []


@pytest.fixture
async def burst(sent: list[bytes]) -> Coalescer:
    """One in a burst, however busy the machine is; what could still go out at once has."""
    coalescer = Coalescer(sent.append, burst=60.0)
    for _ in range(FREE):
        coalescer.write(b"free")
    sent.clear()
    return coalescer


async def test_the_first_writes_of_a_burst_go_out_at_once(sent: list[bytes]) -> None:
    coalescer = Coalescer(sent.append, burst=60.0)
    for _ in range(FREE):
        coalescer.write(b"x")
    assert sent == [b"x"] * FREE


async def test_those_that_follow_go_out_together(burst: Coalescer, sent: list[bytes]) -> None:
    for data in (b"1", b"2", b"3"):
        burst.write(data)
    assert sent == []
    await asyncio.sleep(0)
    assert sent == [b"123"]


async def test_what_comes_after_a_pause_goes_out_at_once(sent: list[bytes]) -> None:
    after_pauses = Coalescer(sent.append, burst=0.0)
    for _ in range(FREE + 1):
        after_pauses.write(b"x")
    assert sent == [b"x"] * (FREE + 1)


async def test_what_comes_after_a_pause_takes_along_what_is_held(sent: list[bytes]) -> None:
    coalescer = Coalescer(sent.append, burst=0.02)
    for number in range(FREE + 2):
        coalescer.write(b"%d" % number)
    time.sleep(0.04)  # noqa: ASYNC251 - an app that blocks the event loop
    coalescer.write(b"last")
    assert b"".join(sent) == b"".join(b"%d" % number for number in range(FREE + 2)) + b"last"


async def test_it_holds_no_more_than_it_may(burst: Coalescer, sent: list[bytes]) -> None:
    burst.write(bytes(MOST - 1))
    assert sent == []
    burst.write(b"2")
    assert sent == [bytes(MOST - 1) + b"2"]


async def test_it_lets_go_when_asked_and_then_holds_nothing_back(burst: Coalescer, sent: list[bytes]) -> None:
    burst.write(b"1")
    burst.flush()
    assert sent == [b"1"]
    await asyncio.sleep(0)
    assert sent == [b"1"]
