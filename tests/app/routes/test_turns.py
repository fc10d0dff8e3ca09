"""Turns and conversations over a socket: asked once, joined,
resumed, stopped, each only of its owner.
"""

import asyncio
import json
import sqlite3
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from app.main import create_app
from app.sse import Decoder
from infra.standin.language import script
from infra.standin.server import StandIn
from tests.conftest import MakeSettings
from tests.fakes.server import serving

HELLO = script({"created": True}, {"text": "Hel"}, {"text": "lo"}, {"completed": {}})
USERS = {"x-user": "ann"}, {"x-user": "bob"}


@pytest.fixture(scope="module")
def url(make_settings: MakeSettings) -> Iterator[str]:
    """The app, with the owner in a header."""
    with serving(create_app(make_settings(), get_owner=lambda request: request.headers["x-user"])) as url:
        yield url


@pytest.fixture
async def ann(url: str, standin: StandIn) -> AsyncIterator[httpx2.AsyncClient]:
    del standin
    async with httpx2.AsyncClient(base_url=url, headers=USERS[0]) as client:
        yield client


@pytest.fixture
async def bob(url: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=url, headers=USERS[1]) as client:
        yield client


async def ask(client: httpx2.AsyncClient, message: str, **more: Any) -> dict[str, Any]:
    response = await client.post("/api/chat", json={"message": message, **more})
    assert response.status_code == 200, response.text
    turn: dict[str, Any] = response.json()
    return turn


def events_of(response: httpx2.Response) -> list[tuple[str, dict[str, Any]]]:
    return [(name.decode(), json.loads(data)) for name, data in Decoder().feed(response.content)]


async def test_same_id_joins_same_turn(ann: httpx2.AsyncClient, standin: StandIn) -> None:
    turn_id = str(uuid.uuid4())
    turns = await asyncio.gather(*(ask(ann, HELLO, turn_id=turn_id) for _ in range(10)))
    later = await ask(ann, HELLO, turn_id=turn_id)
    assert all(turn == later for turn in turns)
    assert (later["turn_id"], later["text"], later["status"]) == (turn_id, "Hello", "completed")
    assert len(standin.requests()) == 1


@pytest.mark.parametrize(
    "change", [{"message": "other"}, {"instructions": "other"}, {"conversation_id": str(uuid.uuid4())}]
)
async def test_same_id_with_other_question_conflicts(
    ann: httpx2.AsyncClient, standin: StandIn, change: dict[str, str]
) -> None:
    turn_id = str(uuid.uuid4())
    await ask(ann, HELLO, turn_id=turn_id)
    response = await ann.post("/api/chat", json={"message": HELLO, "turn_id": turn_id} | change)
    assert response.status_code == (404 if "conversation_id" in change else 409)
    assert len(standin.requests()) == 1


@pytest.mark.parametrize(
    "changes",
    [{"openai_model": "other"}, {"max_message_chars": 5}, {"instructions": "Be brief."}],
    ids=lambda changes: next(iter(changes)),
)
async def test_a_retry_joins_its_turn_after_settings_changed(
    make_settings: MakeSettings, standin: StandIn, changes: dict[str, Any]
) -> None:
    settings = make_settings()
    asked = {"message": HELLO, "turn_id": str(uuid.uuid4())}
    with serving(create_app(settings)) as url:
        async with httpx2.AsyncClient(base_url=url) as client:
            turn = await ask(client, **asked)
    with serving(create_app(settings.model_copy(update=changes))) as url:
        async with httpx2.AsyncClient(base_url=url) as client:
            assert await ask(client, **asked) == turn
            other = await client.post("/api/chat", json=asked | {"message": "another one"})
    assert other.status_code == (422 if "max_message_chars" in changes else 409)
    assert len(standin.requests()) == 1


async def test_retry_joins_turn_after_parent_is_gone(make_settings: MakeSettings, standin: StandIn) -> None:
    settings = make_settings()
    with serving(create_app(settings)) as url:
        async with httpx2.AsyncClient(base_url=url) as client:
            root = await ask(client, HELLO)
            place = {"conversation_id": root["conversation_id"], "parent_turn_id": root["turn_id"]}
            turn = await ask(client, HELLO, turn_id=str(uuid.uuid4()), **place)
            with closing(sqlite3.connect(settings.data_dir / "rivulet.db", isolation_level=None)) as db:
                db.execute("DELETE FROM turn WHERE turn_id = ?", (root["turn_id"],))
            assert await ask(client, HELLO, turn_id=turn["turn_id"], **place) == turn
    assert len(standin.requests()) == 2


async def test_turn_is_readable_at_any_time(ann: httpx2.AsyncClient, standin: StandIn) -> None:
    turn_id = str(uuid.uuid4())
    message = script({"created": True}, {"text": "a"}, {"gate": "g"}, {"text": "b"}, {"completed": {}})
    async with ann.stream("POST", "/api/chat/stream", json={"message": message, "turn_id": turn_id}) as response:
        chunks = response.aiter_bytes()
        await anext(chunks)
        turn = (await ann.get(f"/api/turns/{turn_id}")).json()
        assert turn["status"] == "running"
        assert "ab".startswith(turn["text"])
        standin.open_gate("g")
        async for _ in chunks:
            pass
    turn = (await ann.get(f"/api/turns/{turn_id}")).json()
    assert (turn["status"], turn["text"]) == ("completed", "ab")


async def test_stream_resumes_after_any_event(ann: httpx2.AsyncClient) -> None:
    response = await ann.post("/api/chat/stream", json={"message": HELLO})
    whole = events_of(response)
    turn_id = whole[0][1]["turn_id"]
    for after in range(-1, len(whole)):
        by_query = await ann.get(f"/api/turns/{turn_id}/stream", params={"after": after})
        assert events_of(by_query) == whole[after + 1 :]
        if 0 <= after < len(whole) - 1:
            by_header = await ann.get(f"/api/turns/{turn_id}/stream", headers={"last-event-id": f"{turn_id}:{after}"})
            assert by_header.content == by_query.content


@pytest.mark.parametrize(
    ("headers", "params"),
    [
        ({"last-event-id": "nonsense"}, {}),
        ({"last-event-id": f"{uuid.uuid4()}:1"}, {}),
        ({}, {"after": "-2"}),
        ({}, {"after": "x"}),
    ],
)
async def test_invalid_position_is_refused(
    ann: httpx2.AsyncClient, headers: dict[str, str], params: dict[str, str]
) -> None:
    turn = await ask(ann, HELLO)
    response = await ann.get(f"/api/turns/{turn['turn_id']}/stream", headers=headers, params=params)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


async def test_stop_keeps_partial_answer(ann: httpx2.AsyncClient, standin: StandIn) -> None:
    turn_id = str(uuid.uuid4())
    message = script({"created": True}, {"text": "a"}, {"gate": "never"})
    async with ann.stream("POST", "/api/chat/stream", json={"message": message, "turn_id": turn_id}) as response:
        chunks = response.aiter_bytes()
        seen = await anext(chunks)
        while b"event: text" not in seen:
            seen += await anext(chunks)
        stopped = (await ann.post(f"/api/turns/{turn_id}/stop")).json()
        rest = seen + b"".join([chunk async for chunk in chunks])
    assert (stopped["status"], stopped["text"]) == ("stopped", "a")
    assert json.loads(Decoder().feed(rest)[-1].data)["status"] == "stopped"
    assert (await standin.wait_ended_async(within=1)).state == "closed"
    assert (await ann.post(f"/api/turns/{turn_id}/stop")).json() == stopped


LAST_WORDS = (
    {"type": "response.output_text.delta", "delta": "a"},
    {"type": "response.completed", "response": {"status": "completed", "usage": {"output_tokens": 7}}},
)


async def test_stop_after_last_text_keeps_end(ann: httpx2.AsyncClient, standin: StandIn) -> None:
    """Even while the server delays the end of its response."""
    turn_id = str(uuid.uuid4())
    in_one_piece = "".join(f"data: {json.dumps(event)}\n\n" for event in LAST_WORDS)
    message = script({"created": True}, {"raw": in_one_piece}, {"gate": "never"})
    async with ann.stream("POST", "/api/chat/stream", json={"message": message, "turn_id": turn_id}) as response:
        chunks = response.aiter_bytes()
        while b"event: text" not in await anext(chunks):
            pass
        turn = (await ann.post(f"/api/turns/{turn_id}/stop")).json()
    assert (turn["status"], turn["text"], turn["usage"]["output_tokens"]) == ("completed", "a", 7)
    assert (await standin.wait_ended_async(within=1)).state == "closed"


async def test_stop_before_first_text_works(ann: httpx2.AsyncClient, standin: StandIn) -> None:
    turn_id = str(uuid.uuid4())
    message = script({"gate": "never"}, {"created": True})
    asking = asyncio.create_task(ask(ann, message, turn_id=turn_id))
    await asyncio.to_thread(standin.wait_received)
    assert (await ann.post(f"/api/turns/{turn_id}/stop")).json()["status"] == "stopped"
    assert (await asking)["status"] == "stopped"


async def test_early_failure_is_stored_as_failed(ann: httpx2.AsyncClient) -> None:
    turn_id = str(uuid.uuid4())
    response = await ann.post("/api/chat/stream", json={"message": script({"status": 429}), "turn_id": turn_id})
    assert response.status_code == 429
    turn = (await ann.get(f"/api/turns/{turn_id}")).json()
    assert (turn["status"], turn["error"]["code"]) == ("failed", "rate_limited")


async def test_reconnecting_event_source_pays_once(ann: httpx2.AsyncClient, standin: StandIn) -> None:
    first = await ann.get("/chat-stream", params={"message": HELLO})
    ids = [line.removeprefix("id: ") for line in first.text.splitlines() if line.startswith("id: ")]
    again = await ann.get("/chat-stream", params={"message": HELLO}, headers={"last-event-id": ids[1]})
    assert first.content.endswith(again.content)
    assert [data for _, data in Decoder().feed(again.content)] == [b"lo", b"[END]"]
    assert len(standin.requests()) == 1
    assert (
        await ann.get("/chat-stream", params={"message": HELLO}, headers={"last-event-id": ids[-1]})
    ).status_code == 204


async def test_finished_event_source_gets_204(ann: httpx2.AsyncClient) -> None:
    response = await ann.post("/api/chat/stream", json={"message": HELLO})
    *_, last = (line.removeprefix("id: ") for line in response.text.splitlines() if line.startswith("id: "))
    again = await ann.get(f"/api/turns/{last.split(':')[0].upper()}/stream", headers={"last-event-id": last})
    assert again.status_code == 204


async def test_upstream_receives_path_to_question(ann: httpx2.AsyncClient, standin: StandIn) -> None:
    root = await ask(ann, HELLO, instructions="Be brief.")
    inside = {"conversation_id": root["conversation_id"]}
    await ask(ann, "a branch that is not on the path", **inside, parent_turn_id=root["turn_id"])
    await ask(ann, "And now?", **inside, parent_turn_id=root["turn_id"])
    body = standin.requests()[-1].body
    assert isinstance(body, dict)
    assert body["input"] == [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": HELLO}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello"}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "And now?"}]},
    ]


async def test_long_conversation_reports_omitted_turns(make_settings: MakeSettings, standin: StandIn) -> None:
    with serving(create_app(make_settings(max_history_chars=len(HELLO) + 20))) as url:
        async with httpx2.AsyncClient(base_url=url) as client:
            root = await ask(client, HELLO)
            path = {"conversation_id": root["conversation_id"]}
            second = await ask(client, HELLO, **path, parent_turn_id=root["turn_id"])
            path["parent_turn_id"] = second["turn_id"]
            response = await client.post("/api/chat/stream", json={"message": "short", **path})
    assert events_of(response)[0][1]["omitted_turns"] == 1
    body = standin.requests()[-1].body
    assert isinstance(body, dict)
    assert isinstance(body["input"], list)
    assert len(body["input"]) == 3


async def test_conversations_are_listed_read_renamed_deleted(ann: httpx2.AsyncClient) -> None:
    root = await ask(ann, HELLO)
    path = f"/api/conversations/{root['conversation_id']}"
    child = await ask(ann, HELLO, conversation_id=root["conversation_id"], parent_turn_id=root["turn_id"])
    newest = (await ann.get("/api/conversations")).json()["conversations"][0]
    assert newest["conversation_id"] == root["conversation_id"]
    assert newest["title"].startswith("/play")
    assert (await ann.get(path)).json()["turns"] == [root, child]
    assert (await ann.patch(path, json={"title": "Hello"})).json()["title"] == "Hello"
    assert (await ann.delete(path)).status_code == 204
    assert (await ann.get(path)).status_code == (await ann.get(f"/api/turns/{root['turn_id']}")).status_code == 404


async def test_list_continues_after_page(ann: httpx2.AsyncClient) -> None:
    made = [(await ask(ann, HELLO))["conversation_id"] for _ in range(52)]
    first = (await ann.get("/api/conversations")).json()
    second = (await ann.get("/api/conversations", params={"cursor": first["cursor"]})).json()
    listed = [line["conversation_id"] for line in first["conversations"] + second["conversations"]]
    assert listed[:52] == made[::-1]
    assert (await ann.get("/api/conversations", params={"cursor": "nonsense"})).status_code == 422


def spellings(name: str) -> list[str]:
    """The spellings of the UUID (RFC 9562, 4)."""
    plain = name.replace("-", "")
    return [name, name.upper(), plain, plain.upper(), f"{{{name}}}", f"urn:uuid:{name}", f"URN:UUID:{name.upper()}"]


async def test_a_uuid_in_any_spelling_names_its_turn(ann: httpx2.AsyncClient, standin: StandIn) -> None:
    name = str(uuid.uuid4())
    turns = [await ask(ann, HELLO, turn_id=spelling) for spelling in spellings(name)]
    for spelling in spellings(name):
        turns.append((await ann.get(f"/api/turns/{spelling}")).json())
        resume = {"last-event-id": f"{spelling}:1"}
        by_path = await ann.get(f"/api/turns/{spelling}/stream", headers=resume)
        by_body = await ann.post("/api/chat/stream", json={"message": HELLO, "turn_id": spelling}, headers=resume)
        assert by_path.content == by_body.content != b""
        assert (await ann.post(f"/api/turns/{spelling}/stop")).json() == turns[0]
    assert all(turn == turns[0] for turn in turns)
    assert len(standin.requests()) == 1


async def test_a_uuid_in_any_spelling_names_its_conversation(ann: httpx2.AsyncClient) -> None:
    name = (await ask(ann, HELLO))["conversation_id"]
    read = [(await ann.get(f"/api/conversations/{spelling}")).json() for spelling in spellings(name)]
    assert all(whole == read[0] for whole in read)


@pytest.mark.parametrize("name", ["x", "x" * 3000, "00000000", "{}", f"{uuid.uuid4()}0", "urn:uuid:", "\u0667" * 32])
async def test_what_is_no_uuid_is_refused_everywhere(ann: httpx2.AsyncClient, standin: StandIn, name: str) -> None:
    path = quote(name)
    responses = [
        await ann.get(f"/api/turns/{path}"),
        await ann.get(f"/api/turns/{path}/stream"),
        await ann.post(f"/api/turns/{path}/stop"),
        await ann.get(f"/api/conversations/{path}"),
        await ann.patch(f"/api/conversations/{path}", json={"title": "mine"}),
        await ann.delete(f"/api/conversations/{path}"),
    ]
    headers = {b"last-event-id": f"{name}:1".encode()}
    responses.append(await ann.post("/api/chat/stream", json={"message": HELLO}, headers=headers))
    fields = ("turn_id", "conversation_id", "parent_turn_id")
    responses += [await ann.post("/api/chat", json={"message": HELLO, field: name}) for field in fields]
    assert [response.status_code for response in responses] == [422] * len(responses)
    assert standin.requests() == []


async def test_post_with_event_id_resumes_turn(ann: httpx2.AsyncClient, standin: StandIn) -> None:
    """Clients of server-sent events that use fetch repeat the request."""
    body = {"message": HELLO}
    whole = await ann.post("/api/chat/stream", json=body)
    turn_id = events_of(whole)[0][1]["turn_id"]
    for seq in range(len(events_of(whole)) - 1):
        for more in ({}, {"turn_id": turn_id}):
            again = await ann.post("/api/chat/stream", json=body | more, headers={"last-event-id": f"{turn_id}:{seq}"})
            assert events_of(again) == events_of(whole)[seq + 1 :]
    assert len(standin.requests()) == 1


async def test_post_without_value_of_event_id_begins(ann: httpx2.AsyncClient) -> None:
    response = await ann.post("/api/chat/stream", json={"message": HELLO}, headers={"last-event-id": ""})
    assert events_of(response)[0][0] == "start"


async def test_a_post_resumes_a_turn_that_runs(ann: httpx2.AsyncClient, standin: StandIn) -> None:
    body = {"message": script({"created": True}, {"text": "a"}, {"gate": "g"}, {"text": "b"}, {"completed": {}})}
    async with ann.stream("POST", "/api/chat/stream", json=body) as response:
        first = await anext(response.aiter_bytes())
    event_id = first.decode().split("id: ")[1].split("\n")[0]
    async with ann.stream("POST", "/api/chat/stream", json=body, headers={"last-event-id": event_id}) as response:
        standin.open_gate("g")
        rest = first + b"".join([chunk async for chunk in response.aiter_bytes()])
    names = [event.decode() for event, _ in Decoder().feed(rest)]
    assert names == ["start", "text", "text", "end"]
    assert len(standin.requests()) == 1


async def test_post_cannot_resume_what_it_did_not_ask(ann: httpx2.AsyncClient, bob: httpx2.AsyncClient) -> None:
    turn_id = (await ask(ann, HELLO))["turn_id"]
    resume = {"last-event-id": f"{turn_id}:0"}

    async def status(client: httpx2.AsyncClient, headers: dict[str, str], **body: str) -> int:
        return (await client.post("/api/chat/stream", json={"message": HELLO} | body, headers=headers)).status_code

    assert await status(ann, resume, turn_id=str(uuid.uuid4())) == 422
    assert await status(ann, resume, message="other") == 409
    assert await status(ann, {"last-event-id": f"{uuid.uuid4()}:0"}) == 404
    assert await status(bob, resume) == 404
    assert await status(ann, {"last-event-id": "nonsense"}) == 422


@pytest.mark.parametrize("beyond", [0, 1, 1000, 10**17])
async def test_resume_at_or_beyond_end_is_no_content(ann: httpx2.AsyncClient, beyond: int) -> None:
    whole = events_of(await ann.post("/api/chat/stream", json={"message": HELLO}))
    turn_id, last = whole[0][1]["turn_id"], len(whole) - 1 + beyond
    path, header = f"/api/turns/{turn_id}/stream", {"last-event-id": f"{turn_id}:{last}"}
    responses = [
        await ann.get(path, params={"after": last}),
        await ann.get(path, headers=header),
        await ann.post("/api/chat/stream", json={"message": HELLO}, headers=header),
        await ann.get("/chat-stream", params={"message": HELLO}, headers=header),
    ]
    assert [(response.status_code, response.content) for response in responses] == [(204, b"")] * 4


async def test_data_of_other_owner_is_not_found(ann: httpx2.AsyncClient, bob: httpx2.AsyncClient) -> None:
    turn = await ask(ann, HELLO)
    turn_path, path = f"/api/turns/{turn['turn_id']}", f"/api/conversations/{turn['conversation_id']}"
    nothing = (await bob.get(f"/api/turns/{uuid.uuid4()}")).json()
    for request in (
        bob.get(turn_path),
        bob.get(f"{turn_path}/stream"),
        bob.post(f"{turn_path}/stop"),
        bob.get(path),
        bob.patch(path, json={"title": "mine"}),
        bob.delete(path),
    ):
        response = await request
        assert response.status_code == 404
        assert response.json() | {"request_id": ""} == nothing | {"request_id": ""}
    intruding = await bob.post("/api/chat", json={"message": "x", "conversation_id": turn["conversation_id"]})
    assert intruding.status_code == 404
    assert turn["conversation_id"] not in (await bob.get("/api/conversations")).text
    assert (await ann.get(path)).status_code == 200


async def test_parent_must_be_in_conversation(ann: httpx2.AsyncClient, standin: StandIn) -> None:
    one, other = await ask(ann, HELLO), await ask(ann, HELLO)
    standin.reset()
    for body, status in (
        ({"parent_turn_id": one["turn_id"]}, 422),
        ({"parent_turn_id": one["turn_id"], "conversation_id": other["conversation_id"]}, 404),
        ({"turn_id": "no uuid"}, 422),
    ):
        assert (await ann.post("/api/chat", json={"message": "x", **body})).status_code == status
    assert standin.requests() == []
