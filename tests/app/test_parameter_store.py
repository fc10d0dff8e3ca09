"""Secrets from the Parameter Store of moto: found, missing, unreadable, renewed."""

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]  # boto3 has no types
import pytest
from moto import mock_aws

from app.loading import load_settings
from app.parameter_store import READ_LIMIT, read_parameters
from app.secrets import RENEW_AFTER, Secrets
from app.settings import ConfigurationError, Settings

PATH = "/rivulet/test"
KEY = f"{PATH}/openai-api-key"


@pytest.fixture(autouse=True)
def _parameter_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PARAMETER_PATH", PATH)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")


@pytest.fixture
def ssm() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("ssm")


def put(ssm: Any, value: str, name: str = KEY) -> None:
    ssm.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)


def key(settings: Settings) -> str | None:
    return settings.openai_api_key.get_secret_value() if settings.openai_api_key else None


def test_key_is_read_and_decrypted(ssm: Any) -> None:
    put(ssm, "sk-stored")
    assert key(load_settings()) == "sk-stored"


def test_environment_key_skips_parameter_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
    assert key(load_settings()) == "sk-env"


@pytest.mark.parametrize("yes", ["true", "True", "1", "yes", "on", " t "])
def test_sam_local_needs_no_key(monkeypatch: pytest.MonkeyPatch, yes: str) -> None:
    monkeypatch.setenv("AWS_SAM_LOCAL", yes)
    assert key(load_settings()) is None


@pytest.mark.parametrize("no", ["false", "FALSE", "0", "no", "off", ""])
def test_elsewhere_the_key_is_read(ssm: Any, monkeypatch: pytest.MonkeyPatch, no: str) -> None:
    put(ssm, "sk-stored")
    monkeypatch.setenv("AWS_SAM_LOCAL", no)
    assert key(load_settings()) == "sk-stored"


def test_missing_parameter_is_named_with_remedy(ssm: Any) -> None:
    put(ssm, "sk-elsewhere", f"{PATH}/other")
    with pytest.raises(ConfigurationError, match=f"parameter {KEY} does not exist.*put-parameter.*{KEY}"):
        load_settings()


@pytest.mark.parametrize("blank", [" ", "\n", "\u00a0\t"], ids=ascii)
def test_a_blank_parameter_is_a_missing_one(ssm: Any, blank: str) -> None:
    put(ssm, blank)
    with pytest.raises(ConfigurationError, match=f"parameter {KEY} does not exist, or is blank"):
        load_settings()


def test_key_that_was_put_from_file_is_stripped(ssm: Any) -> None:
    put(ssm, " sk-stored\r\n")
    assert key(load_settings()) == "sk-stored"


@pytest.mark.parametrize("wrong", [" ", "\n", "\ufeff", "\u201c", "\x00"], ids=ascii)
def test_a_stored_key_is_checked_like_any_other(ssm: Any, wrong: str) -> None:
    put(ssm, f"sk-{wrong}canary")
    with pytest.raises(ConfigurationError, match=rf"^OPENAI_API_KEY: .*\(read from {PATH}\)$") as caught:
        load_settings()
    assert "canary" not in str(caught.value)


def test_instructions_may_be_stored_too(ssm: Any) -> None:
    put(ssm, "sk-stored")
    put(ssm, "Answer briefly.\n", f"{PATH}/instructions")
    settings = load_settings()
    assert (key(settings), settings.instructions) == ("sk-stored", "Answer briefly.")


def test_instructions_of_the_environment_come_first(ssm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put(ssm, "sk-stored")
    put(ssm, "Stored.", f"{PATH}/instructions")
    monkeypatch.setenv("INSTRUCTIONS", "Here.")
    assert load_settings().instructions == "Here."


def test_other_settings_are_checked_before_store_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:9")
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    with pytest.raises(ConfigurationError, match=r"^LOG_LEVEL: "):
        load_settings()


@pytest.mark.parametrize("endpoint", ["127.0.0.1:9", "host", "http://"])
def test_an_endpoint_without_use_is_named(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", endpoint)
    with pytest.raises(ConfigurationError, match="AWS_ENDPOINT_URL"):
        load_settings()


class Pages(BaseHTTPRequestHandler):
    """A Parameter Store with endless pages; `seconds` of silence are before each."""

    seconds = 0.05

    def do_POST(self) -> None:
        self.server.stopped.wait(self.seconds)  # type: ignore[attr-defined]  # ours, below
        body = json.dumps({"Parameters": [], "NextToken": str(time.monotonic_ns())}).encode()
        with suppress(OSError):  # the client has disconnected
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


class Silence(Pages):
    seconds = 60.0


@pytest.fixture
def slow_store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with ThreadingHTTPServer(("127.0.0.1", 0), request.param) as server:
        server.stopped = threading.Event()  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", f"http://127.0.0.1:{server.server_port}")
        yield
        server.stopped.set()  # type: ignore[attr-defined]
        server.shutdown()


@pytest.mark.parametrize("slow_store", [Pages, Silence], indirect=True)
@pytest.mark.usefixtures("slow_store")
def test_reading_ends_at_its_limit() -> None:
    began = time.monotonic()
    with pytest.raises(ConfigurationError, match=rf"^PARAMETER_PATH: .*{PATH}.*within 0\.5 s"):
        read_parameters(PATH, limit=0.5)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("slow_store", [Silence], indirect=True)
@pytest.mark.usefixtures("slow_store")
def test_a_silent_store_is_reported_within_five_seconds() -> None:
    assert READ_LIMIT <= 5
    began = time.monotonic()
    with pytest.raises(ConfigurationError, match=r"^PARAMETER_PATH: .*[Tt]ime"):
        load_settings()
    assert time.monotonic() - began < 5.5


def test_unreadable_path_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:9")
    with pytest.raises(ConfigurationError, match=f"PARAMETER_PATH: cannot read the parameters below {PATH}"):
        load_settings()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_rotated_key_is_used_after_five_minutes(ssm: Any) -> None:
    put(ssm, "sk-1")
    clock = Clock()
    secrets = Secrets(load_settings(), clock=clock)
    put(ssm, "sk-2")
    clock.now = RENEW_AFTER - 1
    assert value(secrets) == "sk-1"
    clock.now = RENEW_AFTER
    assert value(secrets) == "sk-1"  # this read starts the renewal
    await secrets.renew()  # joins it
    assert value(secrets) == "sk-2"


async def test_renewal_returns_whether_key_changed(ssm: Any) -> None:
    put(ssm, "sk-1")
    secrets = Secrets(load_settings())
    assert not await secrets.renew()
    put(ssm, "sk-2")
    assert await secrets.renew()


async def test_failing_store_keeps_last_key(ssm: Any, caplog: pytest.LogCaptureFixture) -> None:
    put(ssm, "sk-good")
    secrets = Secrets(load_settings())
    ssm.delete_parameter(Name=KEY)
    with caplog.at_level(logging.WARNING, "rivulet"):
        assert not await secrets.renew()
    assert value(secrets) == "sk-good"
    assert "last valid" in caplog.text
    assert "sk-good" not in caplog.text


async def test_a_renewed_key_is_stripped(ssm: Any) -> None:
    put(ssm, "sk-1")
    secrets = Secrets(load_settings())
    put(ssm, "sk-2\n")
    assert await secrets.renew()
    assert value(secrets) == "sk-2"


async def test_renewed_key_without_use_keeps_last_good_one(ssm: Any, caplog: pytest.LogCaptureFixture) -> None:
    put(ssm, "sk-good")
    secrets = Secrets(load_settings())
    put(ssm, "sk-\u200bcanary")
    with caplog.at_level(logging.WARNING, "rivulet"):
        assert not await secrets.renew()
    assert value(secrets) == "sk-good"
    assert "OPENAI_API_KEY" in caplog.text
    assert "canary" not in caplog.text


async def test_no_path_means_no_renewal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PARAMETER_PATH")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env")

    def never() -> Settings:
        raise AssertionError

    assert not await Secrets(load_settings(), load=never).renew()


def value(secrets: Secrets) -> str | None:
    current = secrets.openai_api_key
    return current.get_secret_value() if current else None
