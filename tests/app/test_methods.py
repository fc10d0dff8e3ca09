"""Methods: HEAD for each GET, and the answers to all others."""

import uuid
from collections.abc import AsyncIterator

import httpx2
import pytest

from app.main import create_app
from infra.standin.server import StandIn
from tests.conftest import MakeSettings

GETS = ["/", "/index.html", "/api/health", "/api/config", "/api/conversations", "/docs", "/openapi.json"]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"]
ALLOWED = {
    "/": "GET, HEAD",
    "/style.css": "GET, HEAD",
    "/chat-complete": "GET, HEAD",
    "/chat-stream": "GET, HEAD",
    "/docs": "GET, HEAD",
    "/api/chat": "POST",
    "/api/chat/stream": "POST",
    "/api/health": "GET, HEAD",
    "/api/conversations": "GET, HEAD",
    f"/api/conversations/{uuid.uuid4()}": "GET, PATCH, DELETE, HEAD",
    f"/api/turns/{uuid.uuid4()}": "GET, HEAD",
    f"/api/turns/{uuid.uuid4()}/stream": "GET, HEAD",
    f"/api/turns/{uuid.uuid4()}/stop": "POST",
}


@pytest.fixture
async def asked(make_settings: MakeSettings, standin: StandIn) -> AsyncIterator[httpx2.AsyncClient]:
    del standin
    transport = httpx2.ASGITransport(create_app(make_settings(openapi_docs=True)))
    async with httpx2.AsyncClient(transport=transport, base_url="http://app") as client:
        yield client


async def conversation(client: httpx2.AsyncClient) -> dict[str, str]:
    response = await client.post("/api/chat", json={"message": "Hi"})
    turn: dict[str, str] = response.json()
    return turn


@pytest.mark.parametrize("path", GETS)
async def test_head_has_the_headers_of_get(asked: httpx2.AsyncClient, path: str) -> None:
    get, head = await asked.get(path), await asked.head(path)
    for response in (get, head):
        del response.headers["x-request-id"]
    assert (head.status_code, head.headers, head.content) == (200, get.headers, b"")


async def test_head_of_a_turn_is_that_of_get(asked: httpx2.AsyncClient) -> None:
    turn = await conversation(asked)
    paths = [f"/api/turns/{turn['turn_id']}", f"/api/conversations/{turn['conversation_id']}"]
    for path in [*paths, f"{paths[0]}/stream"]:
        get, head = await asked.get(path), await asked.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-type"] == get.headers["content-type"]


@pytest.mark.parametrize("path", ["/chat-complete", "/chat-stream"])
async def test_head_asks_nothing_and_starts_no_turn(asked: httpx2.AsyncClient, standin: StandIn, path: str) -> None:
    head = await asked.head(path, params={"message": "Hi"})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"].startswith("text/event-stream" if "stream" in path else "application/json")
    assert standin.requests() == []
    assert (await asked.get("/api/conversations")).json()["conversations"] == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/chat-complete", 422),
        ("/chat-stream?message=", 422),
        ("/nothing", 404),
        (f"/api/turns/{uuid.uuid4()}", 404),
        (f"/api/turns/{uuid.uuid4()}/stream", 404),
        (f"/api/conversations/{uuid.uuid4()}", 404),
        ("/api/chat", 405),
    ],
)
async def test_head_fails_as_get_does(asked: httpx2.AsyncClient, path: str, status: int) -> None:
    head = await asked.head(path)
    assert (head.status_code, head.content) == (status, b"")
    assert head.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("path", "allowed"), ALLOWED.items())
async def test_other_methods_are_told_all_that_are_allowed(asked: httpx2.AsyncClient, path: str, allowed: str) -> None:
    for method in set(METHODS) - {*allowed.split(", ")}:
        response = await asked.request(method, path)
        assert (response.status_code, response.headers["allow"]) == (405, allowed), method
        assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("path", "allowed"), ALLOWED.items())
async def test_options_names_the_methods(asked: httpx2.AsyncClient, path: str, allowed: str) -> None:
    response = await asked.options(path)
    assert (response.status_code, response.headers["allow"], response.content) == (204, allowed, b"")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/nothing", "/page.js/", "/api", "/api/nothing", "/api/turns", "/chat-complete/"])
async def test_an_unknown_path_is_a_problem(asked: httpx2.AsyncClient, method: str, path: str) -> None:
    response = await asked.request(method, path)
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
