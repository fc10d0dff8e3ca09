"""A stop ends generation, on any process and at any point of the answer."""

import asyncio
import time
from typing import Any

import httpx2
import pytest

from infra.standin.language import script
from infra.standin.server import StandIn
from tests.faults.client import JSON, STOPPED_WITHIN, answer, asking, following, pouring, question, read

WHERE = ("where it is produced", "elsewhere")
BEFORE = {
    "before OpenAI answers": [{"gate": "never"}],
    "before the first token": [{"created": True}, {"gate": "never"}],
}
POURING = pouring([f"{number} " for number in range(1000)], 0.02)
AFTER: dict[str, list[JSON]] = {"between two tokens": [{"text": "a"}, {"gate": "never"}], "while tokens pour": POURING}


@pytest.fixture
def stopper(request: pytest.FixtureRequest, a: httpx2.AsyncClient, b: httpx2.AsyncClient) -> httpx2.AsyncClient:
    return dict(zip(WHERE, (a, b), strict=True))[request.param]


async def stop(client: httpx2.AsyncClient, asked: JSON, standin: StandIn) -> JSON:
    """The stopped turn; generation has ended in time."""
    asked_at = time.time()
    response = await client.post(f"/api/turns/{asked['turn_id']}/stop")
    generation = await standin.wait_ended_async()
    assert generation.state == "closed"
    assert generation.ended_at
    assert generation.ended_at - asked_at < STOPPED_WITHIN
    turn: JSON = response.json()
    assert (response.status_code, turn["status"]) == (200, "stopped")
    return turn


@pytest.mark.parametrize("steps", BEFORE.values(), ids=BEFORE)
@pytest.mark.parametrize("stopper", WHERE, indirect=True)
async def test_stop_before_first_word_works(
    a: httpx2.AsyncClient, b: httpx2.AsyncClient, stopper: httpx2.AsyncClient, standin: StandIn, steps: list[Any]
) -> None:
    asked = question(script(*steps, {"text": "never said"}))
    answering = asyncio.create_task(answer(a, asked))
    await asyncio.to_thread(standin.wait_received)
    stopped = await stop(stopper, asked, standin)
    assert stopped["text"] == ""
    assert await answering == await read(a, asked) == await read(b, asked) == stopped


@pytest.mark.parametrize("steps", AFTER.values(), ids=AFTER)
@pytest.mark.parametrize("stopper", WHERE, indirect=True)
async def test_stopped_turn_keeps_text(
    a: httpx2.AsyncClient, b: httpx2.AsyncClient, stopper: httpx2.AsyncClient, standin: StandIn, steps: list[Any]
) -> None:
    asked = question(script({"created": True}, *steps))
    async with asking(a, asked) as here, following(b, asked) as there:
        await here.until(lambda here: here.text != "")
        stopped = await stop(stopper, asked, standin)
        await here.until_over()
        await there.until_over()
    assert stopped["text"] == here.text != ""
    assert there.frames == here.frames
    assert here.end
    assert here.end["status"] == "stopped"
    assert await read(a, asked) == await read(b, asked) == stopped


async def test_concurrent_stops_are_one_stop(a: httpx2.AsyncClient, b: httpx2.AsyncClient, standin: StandIn) -> None:
    asked = question(script({"created": True}, *AFTER["between two tokens"]))
    async with asking(a, asked) as listener:
        one, other = await asyncio.gather(stop(a, asked, standin), stop(b, asked, standin))
        await listener.until_over()
    assert one == other
    assert [sent.name for sent in listener.sent].count("end") == 1


async def test_stop_after_end_changes_nothing(a: httpx2.AsyncClient, b: httpx2.AsyncClient) -> None:
    asked = question("Hi")
    turn = await answer(a, asked)
    assert (await b.post(f"/api/turns/{asked['turn_id']}/stop")).json() == turn
    assert turn["status"] == "completed"
