"""The settings, frozen: from the environment, then `.env`, then the Parameter Store.

`load_settings()` is the one way to get them from outside; tests build `Settings(...)` themselves. What is wrong is
told by the name of the setting, and never with its value: it may be a secret.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict


class ConfigurationError(Exception):
    """The process cannot start as it is configured; the text names what to set."""


class Settings(BaseSettings):
    """Every setting, by its environment name in capitals. Times are in seconds."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    openai_api_key: SecretStr | None = Field(None, description="key of the OpenAI account that pays")
    openai_base_url: str | None = Field(None, description="another server that speaks the Responses API")
    openai_model: str = Field("gpt-4o-mini", description="model where a request names none")
    openai_models: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="further models that a request may name, separated by commas"
    )
    openai_timeout_connect: PositiveFloat = Field(5, description="limit for the connection to OpenAI, in seconds")
    openai_timeout_first: PositiveFloat = Field(60, description="limit to the first event, retries included")
    openai_timeout_between: PositiveFloat = Field(60, description="limit from one event to the next")
    openai_max_retries: int = Field(2, ge=0, description="further attempts before the first event")
    instructions: str | None = Field(None, description="system prompt; a request may bring its own")
    max_output_tokens: int = Field(4096, ge=16, description="most tokens of one answer, reasoning included")
    max_message_chars: int = Field(32_000, ge=1, le=40_000, description="longest message and longest instructions")
    max_history_chars: PositiveInt = Field(200_000, description="most of a conversation that the model is told")
    max_body_bytes: PositiveInt = Field(1_048_576, description="largest request body")

    table_name: str | None = Field(None, description="DynamoDB table of the conversations; SQLite where empty")
    data_dir: Path = Field(Path(".rivulet"), description="directory of the SQLite database")
    turn_days: PositiveInt = Field(90, description="days until a turn is forgotten")

    parameter_path: str | None = Field(None, description="Parameter Store path of the secrets")
    aws_sam_local: bool = Field(False, description="set by `sam local`: answer buffered, read no parameters")
    response_mode: Literal["stream", "buffered"] = Field("stream", description="how the streaming door answers")

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="least level that is logged")
    log_format: Literal["text", "json"] = Field("text", description="json for machines, text for people")
    metrics_namespace: str | None = Field(None, description="CloudWatch namespace of the metrics; none where empty")
    openapi_docs: bool = Field(False, description="serve /docs and /openapi.json")
    demo: bool = Field(False, description="tells the page that its answers are made up")

    @field_validator("openai_models", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value

    @property
    def allowed_models(self) -> tuple[str, ...]:
        """The models that a request may name, the default one first."""
        return tuple(dict.fromkeys((self.openai_model, *self.openai_models)))

    @property
    def buffered(self) -> bool:
        """Whether the host cannot stream: `sam local`, or by RESPONSE_MODE."""
        return self.aws_sam_local or self.response_mode == "buffered"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        from app.parameters import ParameterStoreSource  # noqa: PLC0415 - it needs ConfigurationError from here

        del file_secret_settings
        return init_settings, env_settings, dotenv_settings, ParameterStoreSource(settings_cls)


def load_settings() -> Settings:
    """The settings of this process. Raises ConfigurationError, which names each setting that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors(include_input=False))
        raise ConfigurationError("; ".join(faults)) from None
