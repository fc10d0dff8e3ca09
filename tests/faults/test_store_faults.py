"""A SQLite store that cannot be written, for a while or until the end of an answer."""

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from infra.standin.language import script
from infra.standin.server import StandIn
from tests.faults.client import STOPPED_WITHIN, answer, asking, following, question, read, read_ended, read_until
from tests.faults.conftest import Processes, Shared

pytestmark = pytest.mark.parametrize("shared", ["sqlite"], indirect=True)
SLOW = script({"created": True}, {"text": "Hel"}, {"gate": "g"}, {"text": "lo"}, {"gate": "end"}, {"completed": {}})


@contextmanager
def locked(shared: Shared) -> Iterator[None]:
    """Locks the database against writes in a block."""
    connection = sqlite3.connect(shared.place["path"], isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.close()


async def test_locked_store_does_not_delay_answer(
    a: httpx2.AsyncClient, b: httpx2.AsyncClient, processes: Processes, standin: StandIn, shared: Shared
) -> None:
    asked = question(SLOW)
    async with asking(a, asked) as here, following(b, asked) as there:
        await there.until_text("Hel")
        with locked(shared):
            refused = asyncio.create_task(b.post("/api/chat/stream", json=question("Hi")))
            standin.open_gate("g")
            await here.until_text("Hello")
            await asyncio.to_thread(processes.a.wait_line, f"{asked['turn_id']}: a batch is not stored yet")
            response = await refused
        standin.open_gate("end")
        await here.until_over()
        await there.until_over()
    assert here.end
    assert here.end["status"] == "completed"
    assert there.frames == here.frames
    assert (await read(b, asked))["text"] == "Hello"
    assert (response.status_code, response.json()["code"]) == (503, "store_failed")
    assert len(standin.requests()) == 1


async def test_stop_works_with_locked_store(a: httpx2.AsyncClient, standin: StandIn, shared: Shared) -> None:
    asked = question(SLOW)
    async with asking(a, asked) as listener:
        await listener.until_text("Hel")
        with locked(shared):
            standin.open_gate("g")
            await listener.until_text("Hello")
            asked_at = time.time()
            stopping = asyncio.create_task(a.post(f"/api/turns/{asked['turn_id']}/stop"))
            generation = await standin.wait_ended_async()
        turn = (await stopping).json()
    assert generation.ended_at
    assert generation.ended_at - asked_at < STOPPED_WITHIN
    assert (turn["status"], turn["text"]) == ("stopped", "Hello")


async def test_full_disk_refuses_question(
    impatient: httpx2.AsyncClient, processes: Processes, standin: StandIn
) -> None:
    asked = question("Hi")
    with processes.impatient.full_disk():
        for path in ("/api/chat", "/api/chat/stream"):
            response = await impatient.post(path, json=asked)
            assert (response.status_code, response.json()["code"]) == (503, "store_failed")
    assert standin.requests() == []
    assert (await answer(impatient, asked))["status"] == "completed"


async def test_full_disk_during_answer_is_reported(
    impatient: httpx2.AsyncClient, b: httpx2.AsyncClient, processes: Processes, standin: StandIn
) -> None:
    asked = question(SLOW)
    async with asking(impatient, asked) as listener:
        await read_until(b, asked, lambda turn: turn["text"] == "Hel")
        with processes.impatient.full_disk():
            standin.open_gate("g")
            standin.open_gate("end")
            await listener.until_over()
    assert listener.text == "Hello"
    assert listener.end
    assert (listener.end["status"], listener.end["error"]["code"]) == ("completed", "not_kept")
    turn = await read_ended(b, asked)
    assert (turn["text"], turn["status"]) == ("Hel", "interrupted")
    assert len(standin.requests()) == 1
