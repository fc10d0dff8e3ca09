"""The sources of settings, and the errors of wrong ones."""

from pathlib import Path

import pytest

from app.loading import load_settings
from app.settings import ConfigurationError, Settings


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_environment_precedes_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=sk-file\nOPENAI_MODEL=gpt-file\n")
    monkeypatch.setenv("OPENAI_MODEL", "gpt-env")
    settings = load_settings()
    assert settings.openai_model == "gpt-env"
    assert settings.openai_api_key
    assert settings.openai_api_key.get_secret_value() == "sk-file"


def test_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    monkeypatch.setenv("MAX_OUTPUT_TOKENS", "")
    settings = load_settings()
    assert (settings.openai_base_url, settings.max_output_tokens) == (None, 4096)


def test_default_model_is_always_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_MODELS", "gpt-4.1, gpt-4o-mini ,,o4-mini")
    assert load_settings().allowed_models == ("gpt-4o-mini", "gpt-4.1", "o4-mini")


def test_wrong_settings_are_named_without_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "sk-loud")
    monkeypatch.setenv("MAX_OUTPUT_TOKENS", "sk-many")
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert "LOG_LEVEL: " in str(caught.value)
    assert "MAX_OUTPUT_TOKENS: " in str(caught.value)
    assert "sk-" not in str(caught.value)


def test_key_is_in_no_repr() -> None:
    assert "sk-secret" not in repr(Settings(openai_api_key="sk-secret"))


@pytest.mark.parametrize(
    ("name", "value"), [("AWS_SAM_LOCAL", "true"), ("RESPONSE_MODE", "buffered")], ids=["sam local", "by setting"]
)
def test_buffered_hosts_are_recognized(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    assert (load_settings().aws_sam_local, load_settings().response_mode) == (False, "stream")
    monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.aws_sam_local or settings.response_mode == "buffered"


def configured(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return load_settings()


@pytest.mark.parametrize("blank", ["", " ", "\t\r\n", "\u00a0"])
def test_blank_variable_leaves_env_file_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blank: str) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=sk-file\nMAX_OUTPUT_TOKENS=' '\n")
    settings = configured(monkeypatch, OPENAI_API_KEY=blank)
    assert key(settings) == "sk-file"
    assert settings.max_output_tokens == 4096


def key(settings: Settings) -> str:
    assert settings.openai_api_key
    return settings.openai_api_key.get_secret_value()


def test_surrounding_white_space_is_stripped(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = configured(
        monkeypatch,
        OPENAI_API_KEY=" sk-key\r\n",
        OPENAI_BASE_URL="\thttps://host/v1 ",
        OPENAI_MODEL="gpt-x\n",
        MAX_OUTPUT_TOKENS=" 64\n",
        LOG_LEVEL="DEBUG ",
        AWS_SAM_LOCAL=" 1 ",
    )
    assert key(settings) == "sk-key"
    assert settings.openai_base_url == "https://host/v1"
    assert (settings.openai_model, settings.max_output_tokens) == ("gpt-x", 64)
    assert (settings.log_level, settings.aws_sam_local) == ("DEBUG", True)


WRONG_IN_A_KEY = [
    " ",
    "\t",
    "\n",
    "\r\n",
    "\x7f",
    "\x01",
    "\x1b",
    "\ufeff",
    "\u200b",
    "\u201c",
    "\u2019",
    "\u2013",
    "é",
    "\U0001f511",
]


WRONG_KEYS = [key.format(wrong) for wrong in WRONG_IN_A_KEY for key in ("{}sk-canary", "sk-{}canary", "sk-canary{}")]


@pytest.mark.parametrize("value", [key for key in WRONG_KEYS if key.strip() != "sk-canary"], ids=ascii)
def test_key_that_no_header_can_carry_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^OPENAI_API_KEY: .*$") as caught:
        configured(monkeypatch, OPENAI_API_KEY=value)
    assert len(str(caught.value).splitlines()) == 1
    assert "canary" not in str(caught.value)
    assert str(caught.value).isascii()


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "http://localhost:8001/v1/",
        "HTTPS://HOST",
        "http://[::1]:8001/v1",
        "http://user:word@host/v1",
    ],
)
def test_a_base_url_is_kept_as_it_is(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert configured(monkeypatch, OPENAI_BASE_URL=url).openai_base_url == url


@pytest.mark.parametrize(
    "url",
    [
        *("localhost:8001/v1", "api.openai.com/v1", "/v1", "//host/v1", "ftp://host/v1", "file:///v1", "wss://host"),
        *("http://", "https:///v1", "http:host/v1", "http://:80/v1", "http://user@/v1"),
        *("https://host/v1?", "https://host/v1?api-version=1", "https://host/v1#top", "https://host/v1#"),
        *("https://host/ v1", "https://ho\tst/v1", "https://host\n/v1", "\ufeffhttps://host/v1", "https://höst/v1"),
        *("https://host:port/v1", "https://host:99999/v1", "https://host:0/v1", "http://[::1/v1", "“https://host/v1”"),
    ],
    ids=ascii,
)
def test_a_base_url_without_use_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^OPENAI_BASE_URL: .*$") as caught:
        configured(monkeypatch, OPENAI_BASE_URL=url)
    assert len(str(caught.value).splitlines()) == 1


def test_every_wrong_setting_is_in_the_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError) as caught:
        configured(monkeypatch, OPENAI_API_KEY="sk canary", OPENAI_BASE_URL="host", OPENAI_TIMEOUT_FIRST="nan")
    named = [fault.partition(":")[0] for fault in str(caught.value).split("; ")]
    assert named == ["OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_TIMEOUT_FIRST"]


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "byte order mark"])
def test_an_env_file_in_utf_8_is_read(tmp_path: Path, mark: str) -> None:
    (tmp_path / ".env").write_text(f"{mark}OPENAI_API_KEY=sk-file\r\nINSTRUCTIONS='Grüß, “bitte”'\r\n", "utf-8")
    settings = load_settings()
    assert (key(settings), settings.instructions) == ("sk-file", "Grüß, “bitte”")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252", "shift-jis"])
def test_an_env_file_in_another_encoding_is_refused(tmp_path: Path, encoding: str) -> None:
    umlaut = "" if encoding == "shift-jis" else "ü"
    (tmp_path / ".env").write_bytes(f"OPENAI_API_KEY=sk-canary\nINSTRUCTIONS=水{umlaut}\n".encode(encoding, "ignore"))
    with pytest.raises(ConfigurationError, match=r"^\.env: .*UTF-8") as caught:
        load_settings()
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("name", ["TABLE_NAME", "PARAMETER_PATH"])
@pytest.mark.parametrize("region", [None, "", " ", "eu central", "eu-central-1\n"])
def test_a_missing_region_is_named(monkeypatch: pytest.MonkeyPatch, name: str, region: str | None) -> None:
    without_region(monkeypatch)
    if region is not None:
        monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    with pytest.raises(ConfigurationError, match=r"^AWS_DEFAULT_REGION: "):
        configured(monkeypatch, **{name: "/name"})


def without_region(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "config")


def test_region_may_be_in_configuration_of_aws_cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_region(monkeypatch)
    (tmp_path / "config").write_text("[default]\nregion = eu-central-1\n")
    assert configured(monkeypatch, TABLE_NAME="table").table_name == "table"


def test_a_profile_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    without_region(monkeypatch)
    with pytest.raises(ConfigurationError, match=r"^AWS_PROFILE: .*nobody"):
        configured(monkeypatch, TABLE_NAME="table", AWS_PROFILE="nobody")


@pytest.mark.parametrize("variables", [{}, {"TABLE_NAME": "table", "AWS_SAM_LOCAL": "1"}])
def test_without_aws_no_region_is_needed(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    without_region(monkeypatch)
    assert configured(monkeypatch, **variables).parameter_path is None


@pytest.mark.parametrize("name", ["OPENAI_ORG_ID", "OPENAI_PROJECT_ID"])
@pytest.mark.parametrize("value", ["org 1", "org\n1", "örg"])
def test_account_that_no_header_can_carry_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"^{name}: ") as caught:
        load_settings()
    assert value not in str(caught.value)
