"""A turn outlives its connection: after a disconnect the
answer is completed and stored.
"""

import asyncio
from typing import Any

import httpx2
import pytest

from infra.standin.language import script
from infra.standin.server import StandIn
from tests.faults.client import JSON, answer, asking, listening, question, read_ended, read_until

SLOW: list[JSON] = [{"created": True}, {"text": "Hel"}, {"gate": "g"}, {"text": "lo"}, {"completed": {}}]


async def finished(client: httpx2.AsyncClient, asked: JSON, standin: StandIn) -> bool:
    """Whether the turn has its whole answer at its end, for
    one request that stayed open.
    """
    standin.open_gate("g")
    turn = await read_ended(client, asked)
    states = [request.state for request in standin.requests()]
    return (turn["status"], turn["text"], states) == ("completed", "Hello", ["finished"])


async def test_disconnect_from_stream_keeps_answer(
    a: httpx2.AsyncClient, b: httpx2.AsyncClient, standin: StandIn
) -> None:
    asked = question(script(*SLOW))
    async with asking(a, asked) as listener:
        await listener.until_text("Hel")
    assert await finished(b, asked, standin)


async def test_disconnect_from_compat_stream_keeps_answer(
    a: httpx2.AsyncClient, b: httpx2.AsyncClient, standin: StandIn
) -> None:
    async with listening(a, "GET", "/chat-stream", params={"message": script(*SLOW)}) as listener:
        await listener.until(lambda listener: len(listener.sent) == 2)
        turn_id = listener.last_event_id.partition(":")[0]
    assert await finished(b, {"turn_id": turn_id}, standin)


async def test_disconnect_from_whole_answer_keeps_it(
    a: httpx2.AsyncClient, b: httpx2.AsyncClient, standin: StandIn
) -> None:
    asked = question(script(*SLOW))
    waiting = asyncio.create_task(answer(a, asked))
    await asyncio.to_thread(standin.wait_received)
    await read_until(b, asked, lambda turn: turn["text"] == "Hel")
    await leave(waiting)
    assert await finished(b, asked, standin)


@pytest.mark.parametrize("path", ["/api/chat", "/api/chat/stream"])
async def test_disconnect_before_first_byte_keeps_answer(
    a: httpx2.AsyncClient, b: httpx2.AsyncClient, standin: StandIn, path: str
) -> None:
    asked = question(script({"gate": "start"}, *SLOW))
    waiting = asyncio.create_task(a.post(path, json=asked))
    await asyncio.to_thread(standin.wait_received)
    await leave(waiting)
    standin.open_gate("start")
    assert await finished(b, asked, standin)


async def leave(waiting: "asyncio.Task[Any]") -> None:
    """Closes the client's connection."""
    waiting.cancel()
    await asyncio.wait({waiting})
    assert waiting.cancelled()
