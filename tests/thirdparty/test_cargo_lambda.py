"""`python -m handler` under the Runtime API of
cargo-lambda, which is not AWS's and not ours.

It answers a response with 202 before it reads it, has a prefix before every path of the
API, writes null for missing members of an event, and streams to its client. It needs no
Rust: it uses cargo only for the list of functions.
"""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from infra.standin.server import StandIn
from tests.infra.paths import ROOT
from tests.infra.processes import free_port, listens, running, wait_until

PROGRAM = ROOT / ".venv-cargo/bin/cargo-lambda"
FUNCTIONS = ("chat", "small")


def metadata() -> str:
    """Returns the output of `cargo metadata` for a project with these programs."""
    target = {"kind": ["bin"], "crate_types": ["bin"], "src_path": "/main.rs"}
    package = {"version": "0.0.0", "manifest_path": "/Cargo.toml", "dependencies": [], "features": {}}
    packages = [package | {"name": name, "id": name, "targets": [target | {"name": name}]} for name in FUNCTIONS]
    workspace = {"workspace_members": FUNCTIONS, "workspace_root": "/", "target_directory": "/"}
    return json.dumps({"packages": packages, "resolve": None, "version": 1} | workspace)


@dataclass(frozen=True)
class CargoLambda:
    """A running emulator. A poller names its function."""

    port: int
    directory: Path

    def runtime_api(self, function: str) -> str:
        return f"127.0.0.1:{self.port}/.rt/{function}"

    def client(self, function: str) -> httpx2.Client:
        return httpx2.Client(
            base_url=f"http://127.0.0.1:{self.port}/lambda-url/{function}", timeout=20, params={"a": "b"}
        )

    def invoke(self, function: str, event: object) -> Any:
        url = f"http://127.0.0.1:{self.port}/2015-03-31/functions/{function}/invocations"
        return httpx2.post(url, json=event, timeout=20).json()


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CargoLambda]:
    assert PROGRAM.exists(), f"{PROGRAM} is missing: `make test` installs it"
    directory = tmp_path_factory.mktemp("cargo-lambda")
    cargo = directory / "cargo"
    cargo.write_text(f"#!/bin/sh\necho '{metadata()}'\n")
    cargo.chmod(0o755)
    port, log = free_port(), directory / "log"
    variables = {"PATH": f"{directory}:/usr/bin:/bin", "CARGO": str(cargo), "HOME": str(directory)}
    address = ("--invoke-address", "127.0.0.1", "--invoke-port", str(port))
    command = (PROGRAM, "lambda", "watch", "--only-lambda-apis", "--ignore-changes", *address)
    with running(*inside(directory, *command), log=log, **variables):
        wait_until(lambda: listens(port), f"cargo-lambda listens; its log is {log}")
        yield CargoLambda(port, directory)


@pytest.fixture(scope="module")
def log(emulator: CargoLambda, running_standin: StandIn) -> Iterator[Path]:
    """The log of the handler, which runs until the end of the module."""
    log = emulator.directory / "handler.log"
    variables = {
        "PYTHONPATH": str(ROOT),
        "AWS_LAMBDA_RUNTIME_API": emulator.runtime_api("chat"),
        "OPENAI_API_KEY": "made-up",
        "OPENAI_BASE_URL": running_standin.base_url,
        "OPENAI_MAX_RETRIES": "0",
        "MAX_MESSAGE_CHARS": "40000",
    }
    command = inside(emulator.directory, sys.executable, "-m", "handler")
    with running(*command, log=log, **variables):
        yield log


@pytest.fixture
def chat(emulator: CargoLambda, log: Path, standin: StandIn) -> Iterator[httpx2.Client]:
    """A client of the application; the test fails if a response was not delivered."""
    del standin
    with emulator.client("chat") as client:
        yield client
    found = log.read_text()
    assert [line for line in ("cut off", "no answer to", "no next event") if line in found] == []


@pytest.fixture
def small(emulator: CargoLambda) -> Iterator[httpx2.Client]:
    """A client of the small app, whose failures are failures of the function."""
    variables = {"PYTHONPATH": str(ROOT), "AWS_LAMBDA_RUNTIME_API": emulator.runtime_api("small")}
    command = inside(emulator.directory, sys.executable, "-m", "tests.handler.process")
    with running(*command, log=emulator.directory / "small.log", **variables), emulator.client("small") as client:
        yield client


def inside(directory: Path, *command: str | Path) -> list[str | Path]:
    """The same command, in a directory without `.env` and without projects."""
    return ["sh", "-c", 'cd "$0" && exec "$@"', directory, *command]


def script(*steps: dict[str, object]) -> dict[str, str]:
    """Returns a question for the stand-in with these steps."""
    return {"message": f"/play {json.dumps(steps, ensure_ascii=False, separators=(',', ':'))}"}


def events(stream: str) -> list[tuple[str, dict[str, Any]]]:
    """Returns name and data of the events of a whole stream."""
    blocks = [block for block in stream.split("\n\n") if not block.startswith(":") and block]
    fields = [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]
    return [(field["event"], json.loads(field["data"])) for field in fields]


def text_of(stream: str) -> str:
    return "".join(data["delta"] for name, data in events(stream) if name == "text")


def test_page_and_its_files_arrive_whole(chat: httpx2.Client) -> None:
    web = ROOT / "app/web"
    for path, file in (("/", "index.html"), ("/style.css", "style.css"), ("/chat.js", "chat.js")):
        response = chat.get(path)
        assert (response.status_code, response.content) == (200, (web / file).read_bytes())


def test_answer_of_200_kb_arrives_whole(chat: httpx2.Client) -> None:
    waves: list[dict[str, object]] = [{"text": "🌊🦀"}] * 2_700
    response = chat.post("/api/chat/stream", json=script({"created": True}, *waves, {"completed": True}))
    assert len(response.content) > 200_000
    assert text_of(response.text) == "🌊🦀" * 2_700
    assert events(response.text)[-1][1]["status"] == "completed"


def test_first_token_arrives_while_the_second_is_held(chat: httpx2.Client, standin: StandIn) -> None:
    steps: list[dict[str, object]] = [
        {"created": True},
        {"text": "first"},
        {"gate": "second"},
        {"text": " second"},
        {"completed": True},
    ]
    with chat.stream("POST", "/api/chat/stream", json=script(*steps)) as response:
        received = ""
        for piece in response.iter_text():
            received += piece
            if '"first"' in received and "second" not in received:
                standin.open_gate("second")
    assert text_of(received) == "first second"


def test_failure_before_the_first_byte_has_its_status(chat: httpx2.Client) -> None:
    response = chat.post("/api/chat/stream", json=script({"status": 500}))
    assert (response.status_code, response.headers["content-type"]) == (502, "application/problem+json")
    assert response.json()["code"] == "upstream_failed"


def test_failure_after_first_byte_is_in_end_event(chat: httpx2.Client) -> None:
    response = chat.post("/api/chat/stream", json=script({"created": True}, {"text": "half"}, {"cut": True}))
    assert (response.status_code, text_of(response.text)) == (200, "half")
    name, end = events(response.text)[-1]
    assert (name, end["status"], end["error"]["code"]) == ("end", "failed", "upstream_cut")


def test_event_that_is_no_request_is_an_error(emulator: CargoLambda, log: Path) -> None:
    assert log.exists()
    assert emulator.invoke("chat", {"Records": []})["errorType"] == "Function.UnsupportedEvent"


def test_one_connection_serves_one_request_after_another(chat: httpx2.Client) -> None:
    started = time.monotonic()
    assert [chat.get("/api/health").status_code for _ in range(20)] == [200] * 20
    assert time.monotonic() - started < 10


def test_crash_before_the_first_byte_is_an_error(small: httpx2.Client) -> None:
    response = small.get("/fails")
    assert (response.status_code, response.json()["errorMessage"]) == (500, "before the first byte")


def test_function_serves_on_after_crash_in_response(small: httpx2.Client) -> None:
    assert small.get("/fails-half-way").content.startswith(b"half")
    assert small.get("/hello").content == b"hello"
