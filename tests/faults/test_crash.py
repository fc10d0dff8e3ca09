"""kill -9 of the producer at 20 points between a question and the end of its answer.

Twenty turns of one process wait at gates, five points in four groups. The gates of
three groups are opened one after the other, and the process is killed: a while after
the first, at once after the last. Other processes then read what it had stored.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import httpx2

from app.chat.log_reader import POLL
from infra.standin.language import script
from infra.standin.server import StandIn
from tests.faults.client import JSON, Frame, Listener, answer, asking, following, pouring, question, read, read_until
from tests.faults.conftest import IMPATIENT, Start, client_of
from tests.faults.impatient import LEASE

CREATED, HEL, LO = {"created": True}, {"text": "Hel"}, {"text": "lo"}
COMPLETED: JSON = {"completed": {}}
NEVER = {"gate": "never"}
POURING = pouring([f" {number}" for number in range(50)], 0.01)
POINTS: tuple[tuple[str, list[JSON], list[JSON]], ...] = (
    # the text so far, the steps before the gate, the steps after it
    ("", [], [CREATED, HEL, LO, COMPLETED]),
    ("", [CREATED], [HEL, LO, COMPLETED]),
    ("Hel", [CREATED, HEL], [LO, NEVER]),
    ("Hel", [CREATED, HEL], [*POURING, COMPLETED]),
    ("Hello", [CREATED, HEL, LO], [COMPLETED]),
)
BEFORE_THE_KILL = {"long": 0.7, "shortly": 0.03, "just": 0.0}  # seconds from the opening of a group's gate to the kill
SLACK = 1.0  # seconds, for a busy machine
GROUPS = (*BEFORE_THE_KILL, "never")


class Victim:
    """A turn whose producer is killed after it has stored the text `kept`."""

    def __init__(self, group: str, point: tuple[str, list[JSON], list[JSON]], root: JSON) -> None:
        self.stored, before, behind = point
        place = {"conversation_id": root["conversation_id"], "parent_turn_id": root["turn_id"]}
        self.asked = question(script(*before, {"gate": group}, *behind), **place)
        self.whole = "".join(step.get("text", "") for step in before + behind)
        self.can_complete = COMPLETED in behind
        self.seen: list[Frame] = []
        self.watchers: list[Listener] = []

    def __repr__(self) -> str:
        return f"{self.asked['message']}, of which was seen: {self.seen}"

    async def ask(self, client: httpx2.AsyncClient) -> None:
        """Asks, and records what was received before the kill."""
        with suppress(httpx2.TransportError):
            async with asking(client, self.asked) as listener:
                await listener.until_over()
                self.seen = listener.frames

    async def at_its_gate(self, client: httpx2.AsyncClient) -> None:
        def is_kept(turn: JSON) -> bool:
            return bool(turn["text"] == self.stored)

        await read_until(client, self.asked, is_kept)

    async def over(self, client: httpx2.AsyncClient, killed_at: float) -> JSON:
        """Returns the turn at its end.

        Its text never shrinks. It ends one lease after its readers saw its last change.
        """
        while True:
            asked_at = time.time()
            turn = await read(client, self.asked)
            assert turn["text"].startswith(self.stored), self
            self.kept = turn["text"]
            if turn["status"] != "running":
                return turn
            assert asked_at < killed_at + LEASE + POLL + SLACK, self
            await asyncio.sleep(0.1)


@asynccontextmanager
async def killed(start: Start, standin: StandIn, *survivors: httpx2.AsyncClient) -> AsyncIterator[list[Victim]]:
    """Twenty turns, whose producer was killed while other processes watched them."""
    root = await answer(survivors[0], question("Hi"))
    victims = list(itertools.starmap(Victim, itertools.product(GROUPS, POINTS, [root])))
    server = start(IMPATIENT)
    async with AsyncExitStack() as watching, client_of(server) as client:
        asked = [asyncio.create_task(victim.ask(client)) for victim in victims]
        await asyncio.to_thread(standin.wait_received, len(victims))
        for victim in victims:
            await victim.at_its_gate(survivors[0])
            watchers = [following(survivor, victim.asked) for survivor in survivors]
            victim.watchers = [await watching.enter_async_context(watcher) for watcher in watchers]
        await open_gates(standin)
        server.kill()
        await asyncio.wait(asked)
        yield victims


async def open_gates(standin: StandIn) -> None:
    """Waits for the time of the kill."""
    left = max(BEFORE_THE_KILL.values())
    for group, until_kill in BEFORE_THE_KILL.items():
        await asyncio.sleep(left - until_kill)  # the points in time are what is tested
        left = until_kill
        standin.open_gate(group)


async def test_killed_producer_loses_no_turn(
    start: Start, impatient: httpx2.AsyncClient, b: httpx2.AsyncClient, standin: StandIn
) -> None:
    async with killed(start, standin, impatient, b) as victims:
        killed_at = time.time()
        turns = await asyncio.gather(*(victim.over(impatient, killed_at) for victim in victims))
        for victim, turn in zip(victims, turns, strict=True):
            assert_true(victim, turn)
            await assert_watched(victim, turn)
            await assert_resumed(victim, turn, b)
            assert await answer(b, victim.asked) == await answer(impatient, victim.asked) == turn, victim
        assert len(standin.requests()) == 1 + len(victims)
        await assert_it_goes_on(impatient, turns)


def assert_true(victim: Victim, turn: JSON) -> None:
    """The turn has the end that its client received, or `interrupted`."""
    statuses = {"interrupted"}
    if victim.can_complete and turn["text"] == victim.whole:
        statuses = {"completed"} if "end" in (name for _, name, _ in victim.seen) else {"interrupted", "completed"}
    assert victim.whole.startswith(turn["text"]), victim
    assert turn["status"] in statuses, victim


async def assert_watched(victim: Victim, turn: JSON) -> None:
    """A client of another process saw the turn, and its one end."""
    for watcher in victim.watchers:
        await watcher.until_over()
        assert watcher.frames == victim.watchers[0].frames, victim
        assert [seq for seq, *_ in watcher.frames] == list(range(len(watcher.frames))), victim
        assert (watcher.text, end_of(watcher)["status"]) == (turn["text"], turn["status"]), victim


def end_of(listener: Listener) -> JSON:
    assert listener.end, listener.sent
    return listener.end


async def assert_resumed(victim: Victim, turn: JSON, client: httpx2.AsyncClient) -> None:
    """A client that was cut off resumes: it gets the rest, or 204 if it has the end.

    If it saw more than was stored, it gets the end that another process wrote.
    """
    whole = victim.watchers[0].frames
    for after in (victim.seen[-1][0] if victim.seen else -1, 1000):
        rest = whole[after + 1 :]
        if turn["status"] == "interrupted" and after > whole[-1][0]:
            rest = whole[-1:]
        if not rest:
            path = f"/api/turns/{turn['turn_id']}/stream"
            assert (await client.get(path, params={"after": after})).status_code == 204, victim
            continue
        async with following(client, victim.asked, after) as listener:
            await listener.until_over()
        assert listener.frames == rest, victim


async def assert_it_goes_on(client: httpx2.AsyncClient, turns: list[JSON]) -> None:
    """No turn is lost; another child of the same parent is answered,
    and so is one of a turn that was killed.
    """
    place = {"conversation_id": turns[0]["conversation_id"]}
    again = await answer(client, question("Again", **place, parent_turn_id=turns[0]["parent_turn_id"]))
    further = await answer(client, question("Go on", **place, parent_turn_id=turns[-1]["turn_id"]))
    assert again["status"] == further["status"] == "completed"
    conversation = (await client.get(f"/api/conversations/{place['conversation_id']}")).json()
    assert len(conversation["turns"]) == 1 + len(turns) + 2
    assert all(turn in conversation["turns"] for turn in turns)
