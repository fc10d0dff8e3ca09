"""The app with aimock, a third party's imitation of OpenAI.

aimock cuts text by UTF-16 units, so a chunk size of 1 splits every emoji into two half
surrogates, in two events.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from app.main import create_app
from app.sse import Decoder
from tests.conftest import MakeSettings
from tests.fakes.server import serving
from tests.infra.processes import running, wait_until
from tests.thirdparty.node import node_program

EMOJI = "😀a😀😀 👩\u200d💻🏳️\u200d🌈\n\U0001d4b3 e\u0301 日本 🌊"
FIXTURES: list[dict[str, object]] = [
    {"match": {"userMessage": "emoji"}, "response": {"content": EMOJI}},
    {"match": {"userMessage": "go on"}, "response": {"content": EMOJI[::-1]}},
    {"match": {"userMessage": "cut"}, "response": {"content": EMOJI}, "truncateAfterChunks": 9, "latency": 5},
    {
        "match": {"userMessage": "limit"},
        "response": {"error": {"message": "secret", "code": "rate_limit_exceeded"}, "status": 429},
    },
    {
        "match": {"userMessage": "model"},
        "response": {"error": {"message": "secret", "code": "model_not_found"}, "status": 404},
    },
]


@contextmanager
def aimock(chunk_size: int, directory: Path) -> Iterator[str]:
    """The base URL of an aimock with this number of UTF-16 units in an event."""
    fixtures, log = directory / "fixtures.json", directory / "log"
    fixtures.write_text(json.dumps({"fixtures": FIXTURES}))
    program = node_program("@copilotkit/aimock", "dist/cli.js")
    options = ["--port", "0", "--fixtures", str(fixtures), "--chunk-size", str(chunk_size), "--strict"]
    with running(*program, *options, log=log):
        wait_until(lambda: "listening" in log.read_text(), "aimock listens")
        (url,) = re.findall(r"listening on (\S+)", log.read_text())
        yield f"{url}/v1"


@pytest.fixture(scope="module", params=[1, 2, 3])
def app(
    request: pytest.FixtureRequest, make_settings: MakeSettings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx2.Client]:
    """A client of the app with aimock, for each chunk size."""
    with (
        aimock(request.param, tmp_path_factory.mktemp("aimock")) as url,
        serving(create_app(make_settings(openai_base_url=url))) as app_url,
        httpx2.Client(base_url=app_url, timeout=20) as client,
    ):
        yield client


def streamed(response: httpx2.Response) -> list[tuple[str, str]]:
    return [(event.event.decode(), event.data.decode()) for event in Decoder().feed(response.content)]


def test_emoji_are_whole_by_every_route(app: httpx2.Client) -> None:
    whole = app.post("/api/chat", json={"message": "emoji"}).json()
    assert (whole["status"], whole["text"]) == ("completed", EMOJI)
    assert app.get("/chat-complete", params={"message": "emoji"}).json() == {"data": EMOJI}
    events = streamed(app.post("/api/chat/stream", json={"message": "emoji"}))
    assert "".join(json.loads(data)["delta"] for name, data in events if name == "text") == EMOJI
    start, *texts, end = streamed(app.get("/chat-stream", params={"message": "emoji"}))
    assert (start, end) == (("start", "[START]"), ("end", "[END]"))
    assert "".join(data for _, data in texts) == EMOJI


def test_a_conversation_goes_on(app: httpx2.Client) -> None:
    first = app.post("/api/chat", json={"message": "emoji"}).json()
    parent = {"conversation_id": first["conversation_id"], "parent_turn_id": first["turn_id"]}
    assert app.post("/api/chat", json={"message": "go on", **parent}).json()["text"] == EMOJI[::-1]


def test_an_answer_that_breaks_off_has_failed(app: httpx2.Client) -> None:
    *_, (name, data) = streamed(app.post("/api/chat/stream", json={"message": "cut"}))
    assert (name, json.loads(data)["reason"]) == ("end", "upstream_cut")


@pytest.mark.parametrize(("message", "status"), [("limit", 429), ("model", 502), ("no such fixture", 502)])
def test_an_error_has_its_status(app: httpx2.Client, message: str, status: int) -> None:
    response = app.post("/api/chat/stream", json={"message": message})
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    assert "secret" not in response.text
