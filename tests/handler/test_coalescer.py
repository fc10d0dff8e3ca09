"""Only the writes of a burst are sent together."""

import asyncio
import time

import pytest

from handler.coalescer import FREE, MAX_HELD, Coalescer


@pytest.fixture
def sent() -> list[bytes]:
    return []


@pytest.fixture
async def burst(sent: list[bytes]) -> Coalescer:
    """A write in a burst, on any machine: earlier writes are already sent."""
    coalescer = Coalescer(sent.append, burst=60.0)
    for _ in range(FREE):
        coalescer.write(b"free")
    sent.clear()
    return coalescer


async def test_first_writes_of_burst_are_sent_at_once(sent: list[bytes]) -> None:
    coalescer = Coalescer(sent.append, burst=60.0)
    for _ in range(FREE):
        coalescer.write(b"x")
    assert sent == [b"x"] * FREE


async def test_later_writes_of_burst_are_joined(burst: Coalescer, sent: list[bytes]) -> None:
    for data in (b"1", b"2", b"3"):
        burst.write(data)
    assert sent == []
    await asyncio.sleep(0)
    assert sent == [b"123"]


async def test_write_after_pause_is_sent_at_once(sent: list[bytes]) -> None:
    after_pauses = Coalescer(sent.append, burst=0.0)
    for _ in range(FREE + 1):
        after_pauses.write(b"x")
    assert sent == [b"x"] * (FREE + 1)


async def test_write_after_pause_flushes_held_bytes(sent: list[bytes]) -> None:
    coalescer = Coalescer(sent.append, burst=0.02)
    for number in range(FREE + 2):
        coalescer.write(b"%d" % number)
    time.sleep(0.04)  # noqa: ASYNC251 - an app that blocks the event loop
    coalescer.write(b"last")
    assert b"".join(sent) == b"".join(b"%d" % number for number in range(FREE + 2)) + b"last"


async def test_held_bytes_are_bounded(burst: Coalescer, sent: list[bytes]) -> None:
    burst.write(bytes(MAX_HELD - 1))
    assert sent == []
    burst.write(b"2")
    assert sent == [bytes(MAX_HELD - 1) + b"2"]


async def test_flush_sends_held_bytes(burst: Coalescer, sent: list[bytes]) -> None:
    burst.write(b"1")
    burst.flush()
    assert sent == [b"1"]
    await asyncio.sleep(0)
    assert sent == [b"1"]
