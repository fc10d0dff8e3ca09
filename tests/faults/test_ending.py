"""A running turn whose process gets SIGTERM, or whose conversation is deleted."""

import asyncio

import httpx2

from infra.standin.language import script
from infra.standin.server import StandIn
from tests.faults.client import asking, following, question, read, read_until
from tests.faults.conftest import PATIENT, Start, client_of

ENDLESS = script({"created": True}, {"text": "Hel"}, {"gate": "never"})


async def test_sigterm_stores_turns_as_interrupted(start: Start, b: httpx2.AsyncClient, standin: StandIn) -> None:
    attended, left = question(ENDLESS), question(ENDLESS)
    server = start(PATIENT)
    async with client_of(server) as client, asking(client, attended) as listener:
        async with asking(client, left) as leaving:
            await leaving.until_text("Hel")
        await listener.until_text("Hel")
        await asyncio.to_thread(server.terminate)
        turns = [await read(b, asked) for asked in (attended, left)]
        await listener.until_over()
    assert [(turn["status"], turn["text"]) for turn in turns] == [("interrupted", "Hel")] * 2
    assert [request.state for request in standin.requests()] == ["closed"] * 2
    async with following(b, attended, after=listener.sent[-1].seq) as rest:
        await rest.until_over()
    assert rest.end
    assert rest.end["status"] == "interrupted"


async def test_remote_delete_ends_turn_and_generation(
    impatient: httpx2.AsyncClient, b: httpx2.AsyncClient, standin: StandIn
) -> None:
    asked = question(ENDLESS)
    async with asking(b, asked) as here, following(impatient, asked) as there:
        await there.until_text("Hel")
        turn = await read_until(impatient, asked, lambda turn: turn["text"] == "Hel")
        assert (await impatient.delete(f"/api/conversations/{turn['conversation_id']}")).status_code == 204
        await here.until_over()
        await there.until_over()
    for listener in (here, there):
        assert listener.end
        assert listener.end["status"] == "interrupted"
    assert (await standin.wait_ended_async()).state == "closed"
    for client in (impatient, b):
        assert (await client.get(f"/api/turns/{asked['turn_id']}")).status_code == 404
