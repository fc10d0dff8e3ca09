"""The delivery of a stream's bytes, and the end of an invalid stream."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from app.problems import UpstreamFailed, UpstreamTooSlow
from app.upstream.stream import UpstreamStream

TEXT = b'data: {"type": "response.output_text.delta", "delta": "Hi"}\n\n'
BROKEN = b'event: response.output_text.delta\ndata: {"delta": "Hi\n\n'
pytestmark = pytest.mark.anyio


def stream_of(body: bytes) -> UpstreamStream:
    return UpstreamStream(httpx2.Response(200, content=body))


async def test_events_before_a_broken_one_are_delivered() -> None:
    stream = stream_of(TEXT + BROKEN + TEXT)
    assert (await anext(stream))["delta"] == "Hi"
    for _ in range(2):
        with pytest.raises(UpstreamFailed):
            await anext(stream)


@pytest.mark.parametrize("data", [b"data: {oops\n\n", b"data: [7]\n\n", b'data: {"ping": 1}\n\n'])
async def test_stream_that_stops_after_garbled_data_has_failed(data: bytes) -> None:
    stream = stream_of(TEXT + data)
    assert (await anext(stream))["delta"] == "Hi"
    with pytest.raises(UpstreamFailed):
        await anext(stream)


@pytest.mark.parametrize("data", [b"", b"data:\n\n", b"data: ping\n\n", b"data: [DONE]\n\n", b"data: [DONE] \n\n"])
async def test_stream_that_stops_after_keep_alive_is_over(data: bytes) -> None:
    assert [event["delta"] async for event in stream_of(TEXT + data)] == ["Hi"]


async def test_keep_alives_are_no_events() -> None:
    assert not await stream_of(b"data:\n\ndata: ping\n\n: comment\n\n").fill()


@pytest.mark.parametrize("noise", [b": keepalive\n\n", b"data: \n\n", b"data: : PROCESSING\n\n"])
async def test_only_events_count_against_a_pause(noise: bytes) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield TEXT
        while True:
            await asyncio.sleep(0.001)  # the server's pace
            yield noise

    stream = UpstreamStream(httpx2.Response(200, content=body()), between=0.1)
    assert (await anext(stream))["delta"] == "Hi"
    async with asyncio.timeout(5):
        with pytest.raises(UpstreamTooSlow):
            await anext(stream)
    await stream.close()
