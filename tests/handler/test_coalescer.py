"""Writes that come in bursts go out together, and no others."""

import asyncio
import time

import pytest

from handler.coalescer import MOST, Coalescer


@pytest.fixture
def sent() -> list[bytes]:
    return []


@pytest.fixture
async def burst(sent: list[bytes]) -> Coalescer:
    """One for which everything is a burst, however busy the machine is."""
    return Coalescer(sent.append, burst=60.0)


async def test_the_first_write_of_a_burst_goes_out_at_once_and_the_others_together(
    burst: Coalescer, sent: list[bytes]
) -> None:
    for data in (b"1", b"2", b"3"):
        burst.write(data)
    assert sent == [b"1"]
    await asyncio.sleep(0)
    assert sent == [b"1", b"23"]


async def test_what_comes_after_a_pause_goes_out_at_once(sent: list[bytes]) -> None:
    after_pauses = Coalescer(sent.append, burst=0.0)
    for data in (b"1", b"2", b"3"):
        after_pauses.write(data)
    assert sent == [b"1", b"2", b"3"]


async def test_what_comes_after_a_pause_does_not_overtake_what_is_held(sent: list[bytes]) -> None:
    coalescer = Coalescer(sent.append, burst=0.01)
    coalescer.write(b"1")
    coalescer.write(b"2")
    time.sleep(0.02)  # noqa: ASYNC251 - an app that blocks the event loop
    coalescer.write(b"3")
    await asyncio.sleep(0)
    assert b"".join(sent) == b"123"


async def test_it_holds_no_more_than_it_may(burst: Coalescer, sent: list[bytes]) -> None:
    burst.write(b"1")
    burst.write(bytes(MOST - 1))
    assert sent == [b"1"]
    burst.write(b"2")
    assert sent == [b"1", bytes(MOST - 1) + b"2"]


async def test_it_lets_go_when_asked_and_then_holds_nothing_back(burst: Coalescer, sent: list[bytes]) -> None:
    burst.write(b"1")
    burst.write(b"2")
    burst.flush()
    assert sent == [b"1", b"2"]
    await asyncio.sleep(0)
    assert sent == [b"1", b"2"]
