"""Loads the settings of this process: environment, `.env`, then the Parameter Store."""

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from app.parameter_store import check_region, read_fields
from app.settings import ENV_FILE, ConfigurationError, Settings


def load_settings() -> Settings:
    """Returns the settings of this process. Raises ConfigurationError."""
    settings = _settings()
    check_region(settings)
    found = read_fields(settings)
    if not found:
        return settings
    try:
        return _settings(**found)
    except ConfigurationError as error:
        raise ConfigurationError(f"{error} (read from {settings.parameter_path})") from None


def _settings(**given: str) -> Settings:
    _check_env_file()
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, e['loc'])).upper()}: {_reason(e)}" for e in error.errors(include_input=False))
        raise ConfigurationError("; ".join(faults)) from None


def _reason(fault: ErrorDetails) -> str:
    return fault["msg"].removeprefix("Value error, ")


def _check_env_file() -> None:
    """Raises ConfigurationError if `.env` is there and cannot be read as UTF-8."""
    if not ENV_FILE.is_file():
        return
    try:
        text = ENV_FILE.read_text("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    except OSError as error:
        raise ConfigurationError(f"{ENV_FILE}: {error.strerror}") from None
    if "\0" in text:  # UTF-16 without a byte order mark is valid UTF-8
        raise ConfigurationError(f"{ENV_FILE}: is not UTF-8; save it in that encoding")
