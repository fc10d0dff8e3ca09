"""Secrets from the Parameter Store, which is moto's: found, missing, unreadable, renewed."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]  # boto3 has no types
import pytest
from moto import mock_aws

from app.parameters import RENEW_AFTER, Secrets
from app.settings import ConfigurationError, Settings, load_settings

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


def test_the_key_is_read_and_decrypted(ssm: Any) -> None:
    put(ssm, "sk-stored")
    assert key(load_settings()) == "sk-stored"


def test_a_key_in_the_environment_asks_the_store_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
    assert key(load_settings()) == "sk-env"


def test_sam_local_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SAM_LOCAL", "true")
    assert key(load_settings()) is None


def test_a_missing_parameter_is_named_with_what_to_do(ssm: Any) -> None:
    put(ssm, "sk-elsewhere", f"{PATH}/other")
    with pytest.raises(ConfigurationError, match=f"parameter {KEY} does not exist.*put-parameter.*{KEY}"):
        load_settings()


def test_a_path_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:9")
    with pytest.raises(ConfigurationError, match=f"PARAMETER_PATH: cannot read the parameters below {PATH}"):
        load_settings()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_rotated_key_is_used_after_five_minutes_without_anyone_waiting(ssm: Any) -> None:
    put(ssm, "sk-1")
    clock = Clock()
    secrets = Secrets(load_settings(), clock=clock)
    put(ssm, "sk-2")
    clock.now = RENEW_AFTER - 1
    assert value(secrets) == "sk-1"
    clock.now = RENEW_AFTER
    assert value(secrets) == "sk-1"  # this one started the renewal
    await secrets.renew()  # joins it
    assert value(secrets) == "sk-2"


async def test_a_renewal_tells_whether_the_key_is_another(ssm: Any) -> None:
    put(ssm, "sk-1")
    secrets = Secrets(load_settings())
    assert not await secrets.renew()
    put(ssm, "sk-2")
    assert await secrets.renew()


async def test_a_failing_store_keeps_the_last_good_key(ssm: Any, caplog: pytest.LogCaptureFixture) -> None:
    put(ssm, "sk-good")
    secrets = Secrets(load_settings())
    ssm.delete_parameter(Name=KEY)
    with caplog.at_level(logging.WARNING, "rivulet"):
        assert not await secrets.renew()
    assert value(secrets) == "sk-good"
    assert "last good" in caplog.text
    assert "sk-good" not in caplog.text


async def test_without_a_path_nothing_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PARAMETER_PATH")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env")

    def never() -> Settings:
        raise AssertionError

    assert not await Secrets(load_settings(), load=never).renew()


def value(secrets: Secrets) -> str | None:
    current = secrets.openai_api_key
    return current.get_secret_value() if current else None
