"""The artifact, started by its own handler/bootstrap under AWS's emulator of the Runtime API.

The emulator hands on a streamed response in one piece, as it stands on the wire: prelude, eight NUL bytes, body.
"""

import json
import platform
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from infra.standin.server import StandIn
from tests.infra.conftest import Runnable
from tests.infra.paths import EVENTS, ROOT
from tests.infra.processes import free_port, listens, running, wait_until

DELIMITER = b"\0" * 8

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="AWS's emulator runs on Linux only")


def emulator() -> Path:
    """The emulator that the SAM CLI brings, and copies into the containers of `sam local`."""
    machine = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    found = list((ROOT / ".venv-sam").glob(f"lib/python*/site-packages/samcli/local/rapid/aws-lambda-rie-{machine}"))
    assert found, "the SAM CLI has no emulator for this machine: `make test` installs it into .venv-sam"
    return found[0]


@pytest.fixture(scope="module")
def function_url(
    runnable: Runnable, running_standin: StandIn, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Where the emulator takes events."""
    port = free_port()
    log = tmp_path_factory.mktemp("emulator") / "log"
    command = [
        *(str(emulator()), "--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{free_port()}"),
        # as Lambda calls a wrapper: the interpreter, then what it would run
        *(str(runnable.artifact / "handler/bootstrap"), runnable.interpreter, "/var/runtime/bootstrap.py"),
    ]
    variables = {
        "LAMBDA_TASK_ROOT": str(runnable.artifact),
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "OPENAI_API_KEY": "made-up",
        "OPENAI_BASE_URL": running_standin.base_url,
        "PYTHONDONTWRITEBYTECODE": "1",  # the artifact is read-only on Lambda
    }
    with running(*command, log=log, **variables):
        wait_until(lambda: listens(port), f"the emulator listens; its log is {log}")
        yield f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"


def invoke(function_url: str, event: str) -> tuple[dict[str, Any], bytes]:
    """The prelude and the body that answer an event of infra/events."""
    response = httpx2.post(function_url, content=(EVENTS / f"{event}.json").read_bytes(), timeout=30)
    prelude, delimiter, body = response.content.partition(DELIMITER)
    assert delimiter == DELIMITER, response.text
    return json.loads(prelude), body


def stream_events(body: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Name and data of the events of a stream in which every event has one line of each."""
    blocks = body.decode().removesuffix("\n\n").split("\n\n")
    fields = [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]
    return [(field["event"], json.loads(field["data"])) for field in fields]


def test_a_function_url_event_is_answered_by_a_prelude_and_the_whole_stream(function_url: str) -> None:
    prelude, body = invoke(function_url, "api-chat-stream")
    names = [name for name, _ in stream_events(body)]
    assert prelude["statusCode"] == 200
    assert prelude["headers"]["content-type"].startswith("text/event-stream")
    assert (names[0], set(names[1:-1]), names[-1]) == ("start", {"text"}, "end")


def test_the_stream_says_what_the_stand_in_has_said(function_url: str) -> None:
    _, body = invoke(function_url, "api-chat-stream")
    events = stream_events(body)
    text = "".join(data["delta"] for name, data in events if name == "text")
    assert "Name three rivers of Europe." in text
    assert "🌊" in text
    assert events[-1][1]["status"] == "completed"


def test_the_page_is_served_from_the_artifact(function_url: str) -> None:
    prelude, body = invoke(function_url, "page")
    assert prelude["statusCode"] == 200
    assert body.startswith(b"<!doctype html>")


def test_a_rest_api_event_is_streamed_too(function_url: str) -> None:
    prelude, body = invoke(function_url, "rest-api")
    assert prelude["statusCode"] == 200
    assert json.loads(body)["status"] == "completed"
