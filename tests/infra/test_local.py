"""The local server, as `make run` and `fastapi dev` start it."""

import socket
from collections.abc import Callable

import httpx2
import pytest

from infra.local import free_port
from infra.standin.plays import play
from infra.standin.server import StandIn
from tests.infra.paths import ROOT
from tests.infra.programs import Program

Start = Callable[..., Program]


def test_without_a_key_it_gives_demo_answers_and_says_so(program: Start) -> None:
    local = program("infra.local", PORT="0")
    url = local.url()
    assert "Set OPENAI_API_KEY" in local.read_until("demo answers: no API key")
    local.read_until("Application startup complete")
    assert httpx2.get(f"{url}/api/config").json()["demo"] is True
    answer = httpx2.get(
        f"{url}/chat-complete", params={"message": play({"text": "played"}, {"completed": True})}
    ).json()
    assert answer == {"data": "played"}
    assert local.interrupt() == 0
    assert local.said.count("demo answers") == 1
    assert local.said.count("Started server process") == 1  # the application's, not the stand-in's
    assert "played" not in local.said  # the prompt, which is in the URL
    assert "Traceback" not in local.said


def test_with_a_key_and_a_base_url_it_asks_there_and_says_nothing_of_a_demo(program: Start) -> None:
    with StandIn() as openai:
        local = program(
            "fastapi", "dev", "--no-reload", "--port=0", cwd=ROOT, OPENAI_API_KEY="key", OPENAI_BASE_URL=openai.base_url
        )
        url = local.url()
        assert httpx2.get(f"{url}/api/config").json()["demo"] is False
        assert (
            httpx2.post(f"{url}/api/chat", json={"message": play({"text": "played"}, {"completed": True})}).status_code
            == 200
        )
        assert openai.wait_received().token == "key"
        local.interrupt()
    assert "demo answers" not in local.said


def test_a_taken_port_is_one_line(program: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        local = program("infra.local", PORT=str(port))
        assert local.end() == 1
    assert local.said.splitlines() == [
        f"cannot listen on 127.0.0.1:{port}: Address already in use. Choose another port: PORT=8001 make run"
    ]


@pytest.mark.parametrize("port", ["99999", "http", "-1"])
def test_a_port_that_is_none_is_told(port: str) -> None:
    with pytest.raises(SystemExit, match=f"127.0.0.1:{port}: no port number"):
        free_port(port)


def test_a_wrong_setting_is_one_line_that_names_it(program: Start) -> None:
    local = program("uvicorn", "infra.local:app", "--port=0", OPENAI_TIMEOUT_FIRST="soon")
    assert local.end() == 1
    assert local.said.startswith("OPENAI_TIMEOUT_FIRST: ")
    assert len(local.said.splitlines()) == 1


def test_importing_the_module_builds_no_application(program: Start) -> None:
    local = program("timeit", "-n1", "-r1", "import infra.local", OPENAI_TIMEOUT_FIRST="soon")
    assert local.end() == 0
    assert "demo answers" not in local.said
