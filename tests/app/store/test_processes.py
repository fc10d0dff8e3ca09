"""Several processes on one store."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from app.store import TurnHead
from tests.app.store.conftest import DynamoDB
from tests.app.store.makers import Clock, a_turn
from tests.app.store.rival import Place, open_at


class Rival:
    """A process of tests.app.store.rival that has opened the store."""

    def __init__(self, process: subprocess.Popen[str], place: Place) -> None:
        self.process = process
        self.tell(place)
        assert self.hear() == "ready"

    def tell(self, what: object) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()


@contextmanager
def rival(name: str, slots: int, place: Place) -> Iterator[Rival]:
    command = (sys.executable, "-m", "tests.app.store.rival", name, str(slots))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Rival(process, place)


@pytest.fixture(params=["sqlite", "dynamodb"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return {"path": str(tmp_path / "rivulet.db")}
    dynamodb: DynamoDB = request.getfixturevalue("dynamodb")
    return {"table": dynamodb.table, "endpoint": dynamodb.endpoint}


@pytest.fixture
def turn(clock: Clock, owner: str) -> TurnHead:
    return a_turn(clock, owner)


async def test_two_processes_claim_each_slot_once(place: Place, turn: TurnHead) -> None:
    with ExitStack() as stack:
        rivals = {name: stack.enter_context(rival(name, 25, place)) for name in ("p1", "p2")}
        for each in rivals.values():
            each.tell(asdict(turn))
        said = {name: each.process.communicate()[0].split() for name, each in rivals.items()}
    store = open_at(place)
    head = await store.head(turn.owner, turn.turn_id)
    batches = await store.batches(turn)
    await store.close()
    assert head
    assert {producer for producer, *_ in said.values()} == {head.producer}
    won = sorted((int(slot), name) for name, (_, *slots) in said.items() for slot in slots)
    assert won == [(batch.slot, batch.writer) for batch in batches]
    assert len(won) == 25


async def test_killed_process_keeps_its_appends(tmp_path: Path, turn: TurnHead) -> None:
    place = {"path": str(tmp_path / "rivulet.db")}
    with rival("p1", 1_000_000, place) as victim:
        victim.tell(asdict(turn))
        heard = [victim.hear() for _ in range(100)]
        victim.process.kill()
    store = open_at(place)
    assert await store.head(turn.owner, turn.turn_id) is not None
    kept = [str(batch.slot) for batch in await store.batches(turn)]
    assert kept[:99] == heard[1:]
    await store.close()
