"""The local server, as `make run` and `fastapi dev` start it."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

from infra.local import CONNECTIONS, free_port, is_readable_by_others
from infra.standin.language import script
from infra.standin.server import StandIn
from tests.infra.paths import ROOT
from tests.infra.programs import Program

Start = Callable[..., Program]


def ready_url(local: Program) -> str:
    """Waits until the server listens, and returns its URL,
    which is printed before that.
    """
    url = local.url()
    if "Application startup complete" not in local.output:
        local.read_until("Application startup complete")
    return url


def test_missing_key_gives_demo_answers(program: Start) -> None:
    local = program("infra.local", PORT="0")
    url = local.url()
    assert "Set OPENAI_API_KEY" in local.read_until("demo answers: no API key")
    local.read_until("Application startup complete")
    assert httpx2.get(f"{url}/api/config").json()["demo"] is True
    answer = httpx2.get(
        f"{url}/chat-complete", params={"message": script({"text": "scripted"}, {"completed": True})}
    ).json()
    assert answer == {"data": "scripted"}
    assert local.interrupt() == 0
    assert local.output.count("demo answers") == 1
    assert local.output.count("Started server process") == 1  # the application's, not the stand-in's
    assert "scripted" not in local.output  # the prompt, which is in the URL
    assert "Traceback" not in local.output


def test_key_and_base_url_disable_demo(program: Start) -> None:
    with StandIn() as openai:
        local = program(
            "fastapi", "dev", "--no-reload", "--port=0", cwd=ROOT, OPENAI_API_KEY="key", OPENAI_BASE_URL=openai.base_url
        )
        url = local.url()
        assert httpx2.get(f"{url}/api/config").json()["demo"] is False
        assert (
            httpx2.post(
                f"{url}/api/chat", json={"message": script({"text": "scripted"}, {"completed": True})}
            ).status_code
            == 200
        )
        assert openai.wait_received().token == "key"
        local.interrupt()
    assert "demo answers" not in local.output


def test_taken_port_is_one_line(program: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        local = program("infra.local", PORT=str(port))
        assert local.end() == 1
    assert local.output.splitlines() == [
        f"cannot listen on 127.0.0.1:{port}: Address already in use. Choose another port: PORT=8001 make run"
    ]


@pytest.mark.parametrize("port", ["99999", "http", "-1"])
def test_invalid_port_is_reported(port: str) -> None:
    with pytest.raises(SystemExit, match=f"127.0.0.1:{port}: not a port number"):
        free_port(port)


WRONG = {
    "OPENAI_TIMEOUT_FIRST": "soon",
    "OPENAI_API_KEY": "“sk-canary”",
    "OPENAI_BASE_URL": "localhost:8001/v1",
    "DATA_DIR": "/dev/null/data",
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_setting_ends_server_before_reloader(program: Start, name: str) -> None:
    local = program("infra.local", PORT="0", **{name: WRONG[name]})
    assert local.end() == 1
    assert len(local.output.splitlines()) == 1
    assert name in local.output or WRONG[name] in local.output
    assert "canary" not in local.output


def test_a_wrong_env_file_ends_the_server(program: Start, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("INSTRUCTIONS=Grüße".encode("latin-1"))
    local = program("infra.local", PORT="0")
    assert local.end() == 1
    assert local.output.startswith(".env: ")
    assert len(local.output.splitlines()) == 1


def test_application_that_cannot_be_built_ends_reloader(program: Start) -> None:
    """The client of the table is created with the application."""
    local = program(
        "infra.local", PORT="0", TABLE_NAME="table", AWS_DEFAULT_REGION="eu-central-1", AWS_ENDPOINT_URL="x"
    )
    assert local.end() == 1
    assert "AWS_ENDPOINT_URL: " in local.output
    assert "Traceback" not in local.output


WAITING = {"message": script({"created": True}, {"text": "begun"}, {"gate": "never"})}


@contextmanager
def waiting_stream(url: str) -> Iterator[Iterator[str]]:
    """Yields the lines of an answer that has begun and never ends."""
    with httpx2.stream("POST", f"{url}/api/chat/stream", json=WAITING, timeout=30) as response:
        lines = response.iter_lines()
        assert any("begun" in line for line in lines)
        yield lines


def last_event(lines: Iterator[str]) -> tuple[str, str]:
    """Returns name and status of the last event of a stream that ends properly."""
    fields = dict(line.split(": ", 1) for line in lines if ": " in line)
    return fields["event"], json.loads(fields["data"])["status"]


def test_a_reload_ends_streams_as_interrupted(program: Start) -> None:
    local = program("infra.local", PORT="0")
    url = ready_url(local)
    with waiting_stream(url) as lines:
        os.utime(ROOT / "infra/local.py")
        assert last_event(lines) == ("end", "interrupted")
    local.read_until("Application startup complete")
    assert httpx2.get(f"{url}/api/health").status_code == 200
    assert local.interrupt() == 0
    assert "Traceback" not in local.output
    assert "exceeded" not in local.output  # nothing had to be cancelled


@pytest.mark.parametrize("command", [("infra.local",), ("fastapi", "dev", "--no-reload", "--port=0")], ids=" ".join)
def test_end_of_server_ends_streams_as_interrupted(program: Start, tmp_path: Path, command: tuple[str, ...]) -> None:
    local = program(*command, cwd=ROOT, PORT="0", DATA_DIR=str(tmp_path))
    url = ready_url(local)
    with waiting_stream(url) as lines:
        os.killpg(local.process.pid, signal.SIGINT)
        assert last_event(lines) == ("end", "interrupted")
    assert local.end() == 0
    assert "Traceback" not in local.output


def test_an_offer_of_http_2_loses_no_body(program: Start) -> None:
    """A request as Java's HttpClient sends it (RFC 7540, 3.2)."""
    local = program("infra.local", PORT="0")
    url = ready_url(local)
    offer = {"connection": "Upgrade, HTTP2-Settings", "upgrade": "h2c", "http2-settings": "AAMAAABkAAQAoAAAAAIAAAAA"}
    message = script({"text": "scripted"}, {"completed": True})
    response = httpx2.post(f"{url}/api/chat", json={"message": message}, headers=offer)
    assert (response.status_code, response.json()["text"]) == (200, "scripted")


def test_http_1_0_gets_no_chunks(program: Start) -> None:
    local = program("infra.local", PORT="0")
    port = int(ready_url(local).rsplit(":", 1)[1])
    message = quote(script({"text": "scripted"}, {"completed": True}))
    with socket.create_connection(("127.0.0.1", port), 10) as client, client.makefile("rb") as answer:
        client.sendall(f"GET /chat-stream?message={message} HTTP/1.0\r\n\r\n".encode())
        head, _, body = answer.read().partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    assert body.startswith(b"id: ")


def test_connections_are_limited(program: Start) -> None:
    local = program("infra.local", PORT="0")
    url = ready_url(local)
    assert httpx2.get(f"{url}/api/health").status_code == 200
    with ExitStack() as stack:
        for _ in range(CONNECTIONS):
            stack.enter_context(socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1]))))
        assert httpx2.get(f"{url}/api/health").status_code == 503


@pytest.mark.parametrize(("mode", "expected"), [(0o600, False), (0o640, True), (0o644, True), (0o604, True)])
def test_a_file_that_others_can_read_is_found(tmp_path: Path, *, mode: int, expected: bool) -> None:
    (tmp_path / ".env").touch()
    (tmp_path / ".env").chmod(mode)
    assert is_readable_by_others(tmp_path / ".env") is expected


def test_readable_env_file_is_one_line(program: Start, tmp_path: Path) -> None:
    (tmp_path / ".env").touch()
    (tmp_path / ".env").chmod(0o644)
    local = program("uvicorn", "infra.local:app", "--port=0")
    local.url()
    assert len([line for line in local.output.splitlines() if "chmod 600 .env" in line]) == 1


def test_documented_copy_of_env_file_is_private(tmp_path: Path) -> None:
    command = re.search(r"install -m 600 \S+ \S+", (ROOT / "README.md").read_text())
    assert command
    shutil.copy(ROOT / ".env.example", tmp_path)
    subprocess.run(command[0].split(), cwd=tmp_path, check=True)
    assert not is_readable_by_others(tmp_path / ".env")


def test_wrong_setting_is_one_line(program: Start) -> None:
    local = program("uvicorn", "infra.local:app", "--port=0", OPENAI_TIMEOUT_FIRST="soon")
    assert local.end() == 1
    assert local.output.startswith("OPENAI_TIMEOUT_FIRST: ")
    assert len(local.output.splitlines()) == 1


def test_import_builds_no_application(program: Start) -> None:
    local = program("timeit", "-n1", "-r1", "import infra.local", OPENAI_TIMEOUT_FIRST="soon")
    assert local.end() == 0
    assert "demo answers" not in local.output
