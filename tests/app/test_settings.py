"""Where settings come from, and how a wrong one is told."""

from pathlib import Path

import pytest

from app.settings import ConfigurationError, Settings, load_settings


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_environment_comes_before_the_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=sk-file\nOPENAI_MODEL=gpt-file\n")
    monkeypatch.setenv("OPENAI_MODEL", "gpt-env")
    settings = load_settings()
    assert settings.openai_model == "gpt-env"
    assert settings.openai_api_key
    assert settings.openai_api_key.get_secret_value() == "sk-file"


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    monkeypatch.setenv("MAX_OUTPUT_TOKENS", "")
    settings = load_settings()
    assert (settings.openai_base_url, settings.max_output_tokens) == (None, 4096)


def test_the_default_model_is_always_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_MODELS", "gpt-4.1, gpt-4o-mini ,,o4-mini")
    assert load_settings().allowed_models == ("gpt-4o-mini", "gpt-4.1", "o4-mini")


def test_wrong_settings_are_all_named_and_their_values_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "sk-loud")
    monkeypatch.setenv("MAX_OUTPUT_TOKENS", "sk-many")
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert "LOG_LEVEL: " in str(caught.value)
    assert "MAX_OUTPUT_TOKENS: " in str(caught.value)
    assert "sk-" not in str(caught.value)


def test_the_key_is_in_no_repr() -> None:
    assert "sk-secret" not in repr(Settings(openai_api_key="sk-secret"))


@pytest.mark.parametrize(
    ("name", "value"), [("AWS_SAM_LOCAL", "true"), ("RESPONSE_MODE", "buffered")], ids=["sam local", "by setting"]
)
def test_a_host_that_cannot_stream_is_answered_whole(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    assert not load_settings().buffered
    monkeypatch.setenv(name, value)
    assert load_settings().buffered
