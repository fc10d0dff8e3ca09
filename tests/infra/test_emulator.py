"""The artifact, started by its own handler/bootstrap under
AWS's emulator of the Runtime API.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from infra.standin.server import StandIn
from tests.infra.conftest import Runnable
from tests.infra.emulator import emulating, invoke

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="AWS's emulator runs on Linux only")


@pytest.fixture(scope="module")
def function_url(
    runnable: Runnable, running_standin: StandIn, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The emulator's URL for events."""
    variables = {"OPENAI_API_KEY": "made-up", "OPENAI_BASE_URL": running_standin.base_url}
    with emulating(runnable, tmp_path_factory.mktemp("emulator") / "log", **variables) as url:
        yield url


def stream_events(body: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Returns name and data of the events of a stream with one line of each."""
    blocks = body.decode().removesuffix("\n\n").split("\n\n")
    fields = [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]
    return [(field["event"], json.loads(field["data"])) for field in fields]


def test_function_url_event_gets_whole_stream(function_url: str) -> None:
    prelude, body = invoke(function_url, "api-chat-stream")
    names = [name for name, _ in stream_events(body)]
    assert prelude["statusCode"] == 200
    assert prelude["headers"]["content-type"].startswith("text/event-stream")
    assert (names[0], set(names[1:-1]), names[-1]) == ("start", {"text"}, "end")


def test_stream_equals_answer_of_stand_in(function_url: str) -> None:
    _, body = invoke(function_url, "api-chat-stream")
    events = stream_events(body)
    text = "".join(data["delta"] for name, data in events if name == "text")
    assert "Name three rivers of Europe." in text
    assert "🌊" in text
    assert events[-1][1]["status"] == "completed"


def test_artifact_serves_page(function_url: str) -> None:
    prelude, body = invoke(function_url, "page")
    assert prelude["statusCode"] == 200
    assert body.startswith(b"<!doctype html>")


def test_rest_api_event_gets_stream(function_url: str) -> None:
    prelude, body = invoke(function_url, "rest-api")
    assert prelude["statusCode"] == 200
    assert json.loads(body)["status"] == "completed"
