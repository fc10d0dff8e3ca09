"""Processes on machines whose clocks differ share turns, on both stores."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack

import httpx2
import pytest

from infra.standin.language import script
from infra.standin.server import StandIn
from tests.faults.client import answer, asking, following, question, read, read_ended
from tests.faults.conftest import Shared, client_of
from tests.faults.impatient import LEASE
from tests.faults.server import Server

SKEWS = (-3600.0, 5.0, 3600.0)  # seconds
SLOW = script({"created": True}, {"text": "Hel"}, {"gate": "g"}, {"text": "lo"}, {"completed": {}})
SKEWED = "tests.faults.skewed:create_app"


@pytest.fixture(scope="module")
def servers(shared: Shared, running_standin: StandIn) -> Iterator[list[Server]]:
    """One process with a right clock, and one for each of SKEWS."""
    with ExitStack() as stack:
        yield [stack.enter_context(shared.start(SKEWED, running_standin, SKEW=str(skew))) for skew in (0.0, *SKEWS)]


@pytest.fixture
async def clients(servers: list[Server], standin: StandIn) -> AsyncIterator[list[httpx2.AsyncClient]]:
    del standin
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(client_of(server)) for server in servers]


async def test_a_live_turn_is_running_for_every_clock(clients: list[httpx2.AsyncClient], standin: StandIn) -> None:
    asked = question(SLOW)
    right, *skewed = clients
    async with asking(right, asked) as own, AsyncExitStack() as stack:
        followers = [await stack.enter_async_context(following(client, asked)) for client in skewed]
        for follower in followers:
            await follower.until_text("Hel")
        for client in skewed:
            assert (await read(client, asked))["status"] == "running"
        standin.open_gate("g")
        for listener in (own, *followers):
            await listener.until_over()
    assert own.end
    assert own.end["status"] == "completed"
    assert all(follower.frames == own.frames for follower in followers)
    assert len(standin.requests()) == 1


async def test_turn_is_listed_after_one_it_follows(clients: list[httpx2.AsyncClient]) -> None:
    ahead, behind = clients[-1], clients[1]
    root = await answer(ahead, question("Hi"))
    place = {"conversation_id": root["conversation_id"], "parent_turn_id": root["turn_id"]}
    child = await answer(behind, question("Hi", **place))
    grandchild = await answer(clients[0], question("Hi", **place | {"parent_turn_id": child["turn_id"]}))
    listed = (await clients[0].get(f"/api/conversations/{root['conversation_id']}")).json()["turns"]
    assert listed == [root, child, grandchild]


async def test_turn_of_skewed_process_is_stopped_elsewhere(clients: list[httpx2.AsyncClient], standin: StandIn) -> None:
    right, *skewed = clients
    for client in skewed:
        asked = question(SLOW)
        async with asking(client, asked) as listener:
            await listener.until_text("Hel")
            stopped = (await right.post(f"/api/turns/{asked['turn_id']}/stop")).json()
            assert (stopped["status"], stopped["text"]) == ("stopped", "Hel")
            assert (await standin.wait_ended_async()).state == "closed"
        standin.reset()


async def test_a_dead_turn_is_interrupted_for_every_clock(
    clients: list[httpx2.AsyncClient], servers: list[Server], standin: StandIn
) -> None:
    """The last test: it kills the process with the right clock."""
    del standin
    right, *skewed = clients
    asked = [question(SLOW) for _ in skewed]
    async with AsyncExitStack() as stack:
        for each in asked:
            listener = await stack.enter_async_context(asking(right, each))
            await listener.until_text("Hel")
        for client, each in zip(skewed, asked, strict=True):
            assert (await read(client, each))["status"] == "running"
        servers[0].kill()
        killed_at = time.monotonic()
        for client, each in zip(skewed, asked, strict=True):
            assert (await read_ended(client, each))["status"] == "interrupted"
        assert time.monotonic() - killed_at < 3 * LEASE
