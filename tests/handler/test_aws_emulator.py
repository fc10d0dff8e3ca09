"""The loop under AWS's own emulator of the Runtime API, which comes with the SAM CLI.

It returns a streamed response in one piece, as on the wire, without trailers. It reads
them with the HTTP server of the real service, which fails if they are too long.
"""

import base64
import json
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.handler.events import Event, function_url
from tests.handler.test_events import SOURCES, STREAMING
from tests.infra.paths import ROOT
from tests.infra.processes import free_port, listens, running, wait_until

DELIMITER = bytes(8)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="AWS's emulator runs on Linux only")


@dataclass(frozen=True)
class Emulator:
    """An emulator that runs the small app."""

    url: str
    log: Path

    def invoke(self, event: object) -> bytes:
        return httpx2.post(self.url, json=event, timeout=10).content


def with_path(event: Event, path: str) -> Event:
    """The same event for another path than /a."""
    return dict(json.loads(json.dumps(event).replace('/a"', f'{path}"')))


def binary() -> Path:
    machine = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    found = list((ROOT / ".venv-sam").glob(f"lib/python*/site-packages/samcli/local/rapid/aws-lambda-rie-{machine}"))
    assert found, "AWS's emulator comes with the SAM CLI: `make test` installs that into .venv-sam"
    return found[0]


@pytest.fixture(params=["stream", "buffered"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def emulator(tmp_path: Path, mode: str) -> Iterator[Emulator]:
    port = free_port()
    command = [
        *(str(binary()), "--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{free_port()}"),
        *(sys.executable, "-m", "tests.handler.process"),
    ]
    log = tmp_path / "log"
    with running(*command, log=log, PYTHONPATH=str(ROOT), RESPONSE_MODE=mode):
        wait_until(lambda: listens(port), f"the emulator listens; its log is {log}")
        yield Emulator(f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations", log)


@pytest.mark.parametrize("mode", ["stream"], indirect=True)
def test_stream_is_prelude_delimiter_and_body(emulator: Emulator) -> None:
    prelude, delimiter, body = emulator.invoke(function_url("/hello")).partition(DELIMITER)
    assert (json.loads(prelude)["statusCode"], delimiter, body) == (200, DELIMITER, b"hello")


@pytest.mark.parametrize("mode", ["buffered"], indirect=True)
def test_buffered_response_is_one_json_object(emulator: Emulator) -> None:
    answer = json.loads(emulator.invoke(function_url("/hello")))
    assert (answer["statusCode"], answer["body"]) == (200, "hello")


@pytest.mark.parametrize("mode", ["stream"], indirect=True)
@pytest.mark.parametrize("source", STREAMING)
def test_streaming_sources_get_stream(emulator: Emulator, source: str) -> None:
    assert emulator.invoke(with_path(SOURCES[source], "/hello")).endswith(DELIMITER + b"hello")


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("mode", ["buffered"], indirect=True)
def test_every_source_gets_buffered_form(emulator: Emulator, source: str) -> None:
    answer = json.loads(emulator.invoke(with_path(SOURCES[source], "/hello")))
    body = base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()
    assert (answer["statusCode"], body) == (200, b"hello")


def test_failure_before_first_byte_is_error(emulator: Emulator) -> None:
    answer = json.loads(emulator.invoke(function_url("/fails")))
    assert (answer["errorType"], answer["errorMessage"]) == ("ValueError", "before the first byte")


@pytest.mark.parametrize("mode", ["stream"], indirect=True)
def test_failure_after_first_byte_ends_stream(emulator: Emulator) -> None:
    assert emulator.invoke(function_url("/fails-half-way")).endswith(DELIMITER + b"half")
    assert "PANIC" not in emulator.log.read_text()


def test_non_http_event_is_error(emulator: Emulator) -> None:
    assert json.loads(emulator.invoke({"Records": []}))["errorType"] == "Function.UnsupportedEvent"


def test_ping_gets_json(emulator: Emulator) -> None:
    assert json.loads(emulator.invoke({"warmup": True}))["status"] == "ok"


def test_one_process_serves_all_events(emulator: Emulator) -> None:
    for path in ("/hello", "/fails", "/fails-half-way", "/nowhere"):
        emulator.invoke(function_url(path))
    assert b"hello" in emulator.invoke(function_url("/hello"))
    assert emulator.log.read_text().count("INIT START") == 1
