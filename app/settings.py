"""The settings, frozen: from the environment, then `.env`.

`app.loading` adds the parameters of the Parameter Store. White space around a value is
removed, and a blank value counts as not set. Errors name the setting and never its
value, which may be a secret.
"""

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PositiveInt, SecretStr, StringConstraints, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

ENV_FILE = Path(".env")


class ConfigurationError(Exception):
    """The process cannot start as configured. The text, one line, names what to set."""

    def __init__(self, text: str) -> None:
        super().__init__(" ".join(text.split()))


def _header_value(key: SecretStr) -> SecretStr:
    """Checks a key: it becomes a header, so it is printable
    ASCII without spaces (RFC 6750, 2.1).
    """
    if wrong := re.search(r"[^!-~]", key.get_secret_value()):
        raise ValueError(f"character {wrong.start() + 1} is white space, a control character or not ASCII")
    return key


HeaderText = Annotated[str, StringConstraints(pattern=r"^[!-~]+$")]


def _base_url(url: str) -> str:
    """Checks a base URL: paths are appended to it, so it has no query and no
    fragment.
    """
    if not re.fullmatch(r"[!-~]+", url) or "?" in url or "#" in url:
        raise ValueError("must be ASCII without white space, query and fragment")
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port or an IPv6 address
        is_usable = False
    if not is_usable:
        raise ValueError("must be http:// or https://, a host, and perhaps a port and a path")
    return url


Key = Annotated[SecretStr, AfterValidator(_header_value)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
Seconds = Annotated[float, Field(ge=0.001, allow_inf_nan=False)]


class Settings(BaseSettings):
    """Every setting, by its environment name in capitals. Times are in seconds."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE,
        env_file_encoding="utf-8-sig",  # Windows editors begin a file with a byte order mark
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    openai_api_key: Key | None = Field(None, description="key of the OpenAI account that pays")
    openai_base_url: BaseUrl | None = Field(None, description="another server that speaks the Responses API")
    openai_org_id: HeaderText | None = Field(None, description="organisation that pays, if the key is of several")
    openai_project_id: HeaderText | None = Field(None, description="project that pays, if the key is of several")
    openai_model: str = Field("gpt-4o-mini", description="default model")
    openai_models: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="further models that a request may name, separated by commas"
    )
    openai_timeout_connect: Seconds = Field(5, description="maximum time to connect to OpenAI, in seconds")
    openai_timeout_first: Seconds = Field(240, description="maximum time to the first event, retries included")
    openai_timeout_between: Seconds = Field(240, description="maximum time between two events")
    openai_max_retries: int = Field(2, ge=0, description="retries after a refused connection, 429 or 503")
    instructions: str | None = Field(None, description="system prompt; a request may bring its own")
    max_output_tokens: int = Field(4096, ge=16, description="maximum tokens of an answer, reasoning included")
    max_message_chars: int = Field(
        32_000, ge=1, le=40_000, description="maximum length of a message, and of instructions"
    )
    max_history_chars: PositiveInt = Field(200_000, description="maximum history sent to the model, in characters")
    max_body_bytes: PositiveInt = Field(1_048_576, description="maximum size of a request body")

    table_name: str | None = Field(None, description="DynamoDB table of the conversations; SQLite if empty")
    data_dir: Path = Field(Path(".rivulet"), description="directory of the SQLite database")
    turn_days: PositiveInt = Field(90, description="days until a turn is deleted")

    parameter_path: str | None = Field(None, description="Parameter Store path of the secrets")
    aws_sam_local: bool = Field(False, description="set by `sam local`: buffered responses, no parameters")
    base_path: str = Field(
        "",
        pattern=r"^(/[A-Za-z0-9$_+!*'(),~-][A-Za-z0-9$_.+!*'(),~-]*)*$",
        description="path prefix that a proxy adds, like /chat",
    )
    response_mode: Literal["stream", "buffered"] = Field(
        "stream", description="form of the responses of the streaming entry point"
    )

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="minimum level of log lines")
    log_format: Literal["text", "json"] = Field("text", description="json for machines, text for people")
    metrics_namespace: str | None = Field(None, description="CloudWatch namespace of the metrics; none if empty")
    openapi_docs: bool = Field(False, description="serve the OpenAPI document at /openapi.json and /docs")
    demo: bool = Field(False, description="the page shows that its answers are not from a model")

    @field_validator("*", mode="before")
    @classmethod
    def _strip(cls, value: object) -> object:
        return value.strip() if isinstance(value, str) else value

    @field_validator("openai_models", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value

    @property
    def allowed_models(self) -> tuple[str, ...]:
        """The models that a request may name, the default first."""
        return tuple(dict.fromkeys((self.openai_model, *self.openai_models)))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del settings_cls, file_secret_settings
        for source in (env_settings, dotenv_settings):
            if isinstance(source, EnvSettingsSource):
                source.env_vars = {name: value for name, value in source.env_vars.items() if value and value.strip()}
        return init_settings, env_settings, dotenv_settings
