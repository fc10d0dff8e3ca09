"""A whole conversation, read turn by turn: of any length, in
bounded memory, never cut silently.
"""

import json
import tracemalloc
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import httpx2
import pytest
from fastapi import FastAPI

from app.chat.conversations import AT_ONCE, TURNS, Conversations
from app.chat.turns import Caller, Turns
from app.contract import WholeConversation
from app.middleware.error import ErrorMiddleware
from app.middleware.request import RequestMiddleware
from app.routes.conversations import router
from app.routes.dependencies import anonymous
from app.routes.problems import add_problem_handlers
from app.settings import Settings
from app.upstream.client import Upstream
from tests.fakes.conversation import ID, LongConversation
from tests.fakes.server import serving

ME = Caller("everyone", "r")


def conversations(fake: LongConversation) -> Conversations:
    settings = Settings(_env_file=None, openai_api_key="k")
    return Conversations(Turns(settings, cast("Upstream", None), fake.store, lambda _: None), fake.store)


@contextmanager
def served(fake: LongConversation) -> Iterator[httpx2.Client]:
    app = FastAPI()
    add_problem_handlers(app)
    app.state.get_owner = anonymous
    app.state.conversations = conversations(fake)
    app.include_router(router)
    app.add_middleware(ErrorMiddleware)
    app.add_middleware(RequestMiddleware)
    with serving(app) as url, httpx2.Client(base_url=url) as client:
        yield client


@pytest.mark.parametrize("length", [0, 1, AT_ONCE, AT_ONCE + 1, TURNS - 1, TURNS, TURNS + 1, 3 * TURNS])
def test_a_conversation_is_read_with_all_its_turns(length: int) -> None:
    with served(LongConversation(length)) as client:
        response = client.get(f"/api/conversations/{ID}")
    assert response.headers["content-type"] == "application/json"
    whole = WholeConversation.model_validate_json(response.content)
    assert [turn.message for turn in whole.turns] == [f"{number} Hi" for number in range(length)]
    assert all((turn.text, turn.status) == ("Hello", "completed") for turn in whole.turns)
    assert (whole.conversation_id, whole.title, whole.updated_at) == (ID, "title", 1.0)


def test_an_unknown_conversation_is_not_found() -> None:
    with served(LongConversation(1)) as client:
        assert client.get(f"/api/conversations/{uuid.uuid4()}").status_code == 404


def test_a_failure_at_the_beginning_has_a_status() -> None:
    with served(LongConversation(100, broken=0)) as client:
        response = client.get(f"/api/conversations/{ID}")
    assert (response.status_code, response.json()["code"]) == (503, "store_failed")


@pytest.mark.parametrize("broken", [AT_ONCE, TURNS + 1, 99])
def test_failure_in_middle_breaks_response_off(broken: int) -> None:
    received: list[bytes] = []
    with (
        served(LongConversation(100, broken=broken)) as client,
        client.stream("GET", f"/api/conversations/{ID}") as response,
        pytest.raises(httpx2.RemoteProtocolError),
    ):
        received.extend(response.iter_bytes())
    with pytest.raises(json.JSONDecodeError):
        json.loads(b"".join(received))


async def test_an_export_holds_few_turns_in_memory() -> None:
    fake = LongConversation(400, message="\N{ROWBOAT}" * 40_000, answer="a" * 4_000)
    sent = 0
    tracemalloc.start()
    try:
        async for piece in conversations(fake).read(ME, ID):
            sent += len(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sent > 64e6
    assert peak < 32e6


async def test_deleting_a_conversation_reads_no_turns() -> None:
    fake = LongConversation(6000)
    await conversations(fake).delete(ME, ID)
    assert fake.deleted == [ID]
    assert fake.heads_read == fake.logs_read == 0
