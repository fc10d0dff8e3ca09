"""`sam local` in a real container engine: the built
function, infra/events, the stand-in.

Skipped if no engine answers on DOCKER_HOST or Docker's default.
"""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from infra.standin.language import script
from infra.standin.server import StandIn
from tests.infra import engine
from tests.infra.conftest import Build
from tests.infra.paths import EVENTS, ROOT, SAM
from tests.infra.processes import free_port, listens, running, wait_until

pytestmark = pytest.mark.skipif(
    engine.why_there_is_none() is not None,
    reason=f"no container engine answers on DOCKER_HOST: {engine.why_there_is_none()}",
)

# event -> content type of the answer, and a part of its body
ANSWERS = {
    "page": ("text/html", "<title>Rivulet</title>"),
    "health": ("application/json", '{"status":"ok"}'),
    "chat-complete": ("application/json", '{"data":"'),
    "chat-stream": ("text/event-stream", "event: end\ndata: [END]\n\n"),
    "api-chat": ("application/json", '"status":"completed"'),
    "api-chat-stream": ("text/event-stream", "event: end\ndata: {"),
    "rest-api": ("application/json", '"status":"completed"'),
    "http-api": ("application/json", '"status":"completed"'),
}


@pytest.fixture(scope="module")
def standin_port() -> Iterator[int]:
    """A stand-in that containers can reach: they connect through the engine's
    bridge.
    """
    with StandIn(host="0.0.0.0", first_token=0, tokens_per_second=5000) as standin:
        yield int(standin.base_url.removesuffix("/v1").rpartition(":")[2])


def sam_local(command: str, build: Build, *options: str | Path) -> list[str | Path]:
    """Returns the command line of a user, with the place of the
    build and without pulls of images.
    """
    pull = ["--skip-pull-image"] if engine.has_base_image() else []
    return [SAM, "local", command, "--config-file", ROOT / "samconfig.toml", "-t", build.template, *pull, *options]


def variables(standin_port: int) -> dict[str, str]:
    """The host's name is that of samconfig.toml; the port is the test's."""
    return {"OPENAI_BASE_URL": f"http://host.containers.internal:{standin_port}/v1"}


def test_every_event_has_expected_answer() -> None:
    assert ANSWERS.keys() == {path.stem for path in EVENTS.glob("*.json")}


@pytest.mark.parametrize("event", ANSWERS)
def test_invoke_prints_one_proxy_response(event: str, build: Build, standin_port: int) -> None:
    invoked = subprocess.run(
        sam_local("invoke", build, "ChatFunction", "--event", EVENTS / f"{event}.json"),
        env=os.environ | variables(standin_port),
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    )
    response = json.loads(invoked.stdout)
    content_type, excerpt = ANSWERS[event]
    assert response["statusCode"] == 200
    assert response["headers"]["content-type"].startswith(content_type)
    assert excerpt in response["body"]


@pytest.fixture(scope="module")
def api_url(build: Build, standin_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`sam local start-api`."""
    port = free_port()
    log = tmp_path_factory.mktemp("start-api") / "log"
    command = sam_local("start-api", build, "--port", str(port))
    with running(*command, log=log, **variables(standin_port)):
        wait_until(lambda: listens(port), f"`sam local start-api` listens; its log is {log}")
        yield f"http://127.0.0.1:{port}"


def test_start_api_serves_page(api_url: str) -> None:
    page = httpx2.get(f"{api_url}/", timeout=60)
    assert page.status_code == 200
    assert "<title>Rivulet</title>" in page.text


def test_start_api_serves_answer(api_url: str) -> None:
    answer = httpx2.post(f"{api_url}/api/chat", json={"message": "Name three rivers."}, timeout=60)
    assert answer.status_code == 200
    assert answer.json()["status"] == "completed"


def test_start_api_serves_stream_in_one_piece(api_url: str) -> None:
    answer = httpx2.post(f"{api_url}/api/chat/stream", json={"message": "Name three rivers."}, timeout=60)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.count("event: end\n") == 1


def test_interrupt_during_answer_leaves_no_container(build: Build, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with StandIn(host="0.0.0.0") as standin:
        port = int(standin.base_url.removesuffix("/v1").rpartition(":")[2])
        event = event_asking(script({"created": True}, {"gate": "never"}))
        (tmp_path / "event.json").write_text(json.dumps(event))
        command = sam_local("invoke", build, "ChatFunction", "--event", tmp_path / "event.json")
        with running(*command, log=log, **variables(port)) as invoked, removing_container(log) as container:
            standin.wait_received(within=60)
            invoked.send_signal(signal.SIGINT)
            wait_until(lambda: not engine.has_container(container()), "the container is gone")


@contextmanager
def removing_container(log: Path) -> Iterator[Callable[[], str]]:
    """Yields a function that returns the container of this log;
    removes a container that is left.
    """

    def container() -> str:
        return log.read_text().partition("SAM_CONTAINER_ID: ")[2].partition("\n")[0]

    yield container
    engine.remove_container(container())


def event_asking(message: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / "api-chat.json").read_text())
    return event | {"body": json.dumps({"message": message})}
