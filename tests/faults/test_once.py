"""A question that is sent many times is asked, and paid, once."""

import asyncio
from contextlib import AsyncExitStack

import httpx2

from infra.standin.language import script
from infra.standin.server import StandIn
from tests.faults.client import answer, asking, following, listening, question

SLOW = script({"created": True}, {"text": "Hel"}, {"gate": "g"}, {"text": "lo"}, {"completed": {}})


async def test_fifty_clients_cause_one_request(a: httpx2.AsyncClient, b: httpx2.AsyncClient, standin: StandIn) -> None:
    asked = question(SLOW)
    async with AsyncExitStack() as stack:
        whole = [asyncio.create_task(answer(client, asked)) for client in (a, b) * 5]
        opened = (stack.enter_async_context(asking(client, asked)) for client in (a, b) * 20)
        listeners = await asyncio.gather(*opened)
        for listener in listeners:
            await listener.until_text("Hel")
        standin.open_gate("g")
        for listener in listeners:
            await listener.until_over()
        turns = await asyncio.gather(*whole)
    assert {listener.text for listener in listeners} == {turn["text"] for turn in turns} == {"Hello"}
    assert all(listener.frames == listeners[0].frames for listener in listeners)
    assert len(standin.requests()) == 1


async def test_repeated_question_elsewhere_gets_same_answer(
    a: httpx2.AsyncClient, b: httpx2.AsyncClient, standin: StandIn
) -> None:
    asked = question("Hi")
    first = await answer(a, asked)
    async with asking(b, asked) as again, following(a, asked) as resumed:
        await again.until_over()
        await resumed.until_over()
    assert again.text == first["text"]
    assert again.frames == resumed.frames
    assert len(standin.requests()) == 1


async def test_other_question_conflicts_on_every_process(
    a: httpx2.AsyncClient, b: httpx2.AsyncClient, standin: StandIn
) -> None:
    asked = question(SLOW)
    async with asking(a, asked):
        responses = [await client.post("/api/chat", json=asked | {"message": "other"}) for client in (a, b)]
        standin.open_gate("g")
    assert [response.status_code for response in responses] == [409, 409]
    assert len(standin.requests()) == 1


async def test_event_source_resumes_on_other_process(
    a: httpx2.AsyncClient, b: httpx2.AsyncClient, standin: StandIn
) -> None:
    asked = {"params": {"message": SLOW}}
    async with listening(a, "GET", "/chat-stream", **asked) as listener:
        await listener.until(lambda listener: len(listener.sent) == 2)
        frames, last_event_id = listener.frames, listener.last_event_id
    headers = {"last-event-id": last_event_id}
    async with listening(b, "GET", "/chat-stream", **asked, headers=headers) as listener:
        standin.open_gate("g")
        await listener.until_over()
    assert frames + listener.frames == [
        (0, "start", "[START]"),
        (1, "message", "Hel"),
        (2, "message", "lo"),
        (3, "end", "[END]"),
    ]
    assert len(standin.requests()) == 1
