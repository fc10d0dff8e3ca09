"""Secrets from the SSM Parameter Store: a source of the settings, and their renewal while the process lives.

Below the path given by PARAMETER_PATH lie SecureString parameters: `openai-api-key`. They are read where neither the
environment nor `.env` gives the secret, and not at all under `sam local`. A secret that is missing, or a path that
cannot be read, is a ConfigurationError that names it.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

from app.settings import ConfigurationError, Settings, load_settings

FIELDS = {"openai-api-key": "openai_api_key"}
RENEW_AFTER = 300.0  # seconds; a rotated key is in use after that time at the latest
log = logging.getLogger("rivulet.parameters")


def read_parameters(path: str) -> dict[str, str]:
    """All parameters below `path`, decrypted, by their names relative to it. Raises ConfigurationError."""
    # boto3 takes a quarter of a second to import: only who has a path pays for it
    from aws_lambda_powertools.utilities.parameters import GetParameterError, SSMProvider  # noqa: PLC0415
    from botocore.config import Config  # type: ignore[import-untyped]  # noqa: PLC0415 - botocore has no types

    limits = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 3, "mode": "standard"})
    try:
        found = SSMProvider(boto_config=limits).get_multiple(path, decrypt=True, recursive=True)
    except GetParameterError as error:
        raise ConfigurationError(f"PARAMETER_PATH: cannot read the parameters below {path}: {error}") from error
    return {name: str(value) for name, value in found.items()}


class ParameterStoreSource(PydanticBaseSettingsSource):
    """The last source: asked only for the secrets that those before it have not given."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Nothing field by field: all parameters are read in one call."""
        del field
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        path = self.current_state.get("parameter_path")
        is_local = str(self.current_state.get("aws_sam_local", "")).lower() in ("true", "1")
        missing = {name: field for name, field in FIELDS.items() if not self.current_state.get(field)}
        if not path or is_local or not missing:
            return {}
        found = read_parameters(path)
        absent = [f"{path.rstrip('/')}/{name}" for name in missing if name not in found]
        if absent:
            raise ConfigurationError(
                f"parameter {', '.join(absent)} does not exist: create it with "
                f"`aws ssm put-parameter --type SecureString --name {absent[0]} --value ...`"
            )
        return {field: found[name] for name, field in missing.items()}


class Secrets:
    """The newest good secrets. Old ones are renewed behind the back of whoever asks, who never waits for it."""

    def __init__(
        self,
        settings: Settings,
        *,
        load: Callable[[], Settings] = load_settings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._load = load
        self._clock = clock
        self._renewed_at = clock()
        self._renewal: asyncio.Task[bool] | None = None

    @property
    def openai_api_key(self) -> SecretStr | None:
        """The key in use; starts a renewal where it is older than RENEW_AFTER. Needs a running event loop."""
        if self._clock() - self._renewed_at >= RENEW_AFTER:
            self._start_renewal()
        return self._settings.openai_api_key

    async def renew(self) -> bool:
        """Reads the secrets again, now. True where the OpenAI key has become another one."""
        return await asyncio.shield(self._start_renewal())

    def _start_renewal(self) -> "asyncio.Task[bool]":
        if self._renewal is None or self._renewal.done():
            self._renewed_at = self._clock()
            self._renewal = asyncio.create_task(self._renew())
        return self._renewal

    async def _renew(self) -> bool:
        if self._settings.parameter_path is None:
            return False
        try:
            newer = await asyncio.to_thread(self._load)
        except ConfigurationError:
            log.warning("the secrets could not be renewed; the last good ones stay in use", exc_info=True)
            return False
        changed = newer.openai_api_key != self._settings.openai_api_key
        self._settings = newer
        return changed
