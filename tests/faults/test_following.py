"""Two processes on one store: one produces a turn, the other reads it."""

import itertools
import statistics
from contextlib import AsyncExitStack

import httpx2

from app.chat import log_format
from app.chat.lifecycle import LEASE
from infra.standin.language import script
from infra.standin.server import StandIn
from tests.app.store.rival import open_at
from tests.faults.client import JSON, Frame, Sent, asking, following, pouring, question
from tests.faults.conftest import Shared

TEXTS = ("Hel", "lo\r\n\n", " grün 🌊\u2028", '\\ " {end}')
MANY = tuple(f"{number} 🚣🏽 " for number in range(150))


async def test_other_process_follows_from_any_event(
    a: httpx2.AsyncClient, b: httpx2.AsyncClient, standin: StandIn, shared: Shared
) -> None:
    gated = (step for text in TEXTS for step in ({"text": text}, {"gate": f"after {text}"}))
    asked = question(script({"created": True}, *gated, {"completed": {}}))
    async with AsyncExitStack() as stack:
        own = await stack.enter_async_context(asking(a, asked))
        others = [await stack.enter_async_context(following(b, asked, after)) for after in range(-1, len(TEXTS) + 1)]
        for count, text in enumerate(TEXTS, 1):
            await others[0].until_text("".join(TEXTS[:count]))
            standin.open_gate(f"after {text}")
        for listener in (own, *others):
            await listener.until_over()
    assert own.text == "".join(TEXTS)
    assert [seq for seq, *_ in own.frames] == list(range(len(TEXTS) + 2))
    assert [other.frames for other in others] == [own.frames[first:] for first in range(len(TEXTS) + 2)]
    assert await usual_delay(shared, asked["turn_id"], others[0].sent) < 1


async def test_position_beyond_log_waits_for_end(
    a: httpx2.AsyncClient, b: httpx2.AsyncClient, standin: StandIn
) -> None:
    asked = question(script({"created": True}, {"gate": "g"}, {"completed": {}}))
    async with asking(a, asked), following(a, asked, after=1000) as here, following(b, asked, after=1000) as there:
        standin.open_gate("g")
        for listener in (here, there):
            await listener.until_over()
            assert listener.frames == []


async def usual_delay(shared: Shared, turn_id: str, sent: list[Sent]) -> float:
    """Returns the median seconds from the write of an event to
    its read: a busy machine may pause.
    """
    store = open_at(shared.place)
    turn = await store.head("everyone", turn_id)
    assert turn
    batches = await store.batches(turn)
    await store.close()
    written = {seq: batch.lease_until - LEASE for batch in batches for seq, _ in log_format.decode(batch.data)}
    return statistics.median(came.at - written[came.seq] for came in sent)


async def test_reconnecting_client_misses_nothing(
    a: httpx2.AsyncClient, b: httpx2.AsyncClient, standin: StandIn
) -> None:
    asked = question(script({"created": True}, *pouring(MANY, 0.01), {"completed": {}}))
    async with asking(a, asked) as own:
        await own.until(lambda own: len(own.sent) > 2)
        frames = own.frames
    clients = itertools.cycle((b, b, a))
    while frames[-1][1] != "end":
        frames += await a_few(next(clients), asked, after=frames[-1][0])
    async with following(a, asked) as whole:
        await whole.until_over()
    assert frames == whole.frames
    assert whole.text == "".join(MANY)
    assert len(standin.requests()) == 1


async def a_few(client: httpx2.AsyncClient, asked: JSON, after: int) -> list[Frame]:
    """Returns about seven further frames, and then closes the connection."""
    few = 1 + after % 7
    async with following(client, asked, after) as listener:
        await listener.until(lambda listener: len(listener.sent) >= few or listener.end is not None)
        return listener.frames
