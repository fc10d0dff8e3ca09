"""The current secrets, and their renewal while the process runs."""

import asyncio
import logging
import time
from collections.abc import Callable

from pydantic import SecretStr

from app.loading import load_settings
from app.settings import ConfigurationError, Settings

RENEW_AFTER = 300.0  # seconds; the maximum time until a rotated key is used
log = logging.getLogger("rivulet.parameters")


class Secrets:
    """The newest valid secrets.

    Stale ones are refreshed in the background; callers never wait.
    """

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
        """The current key. Starts a renewal if it is older than RENEW_AFTER.

        Needs a running event loop.
        """
        if self._clock() - self._renewed_at >= RENEW_AFTER:
            self._start_renewal()
        return self._settings.openai_api_key

    async def renew(self) -> bool:
        """Reads the secrets again. Returns whether the OpenAI key has changed."""
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
            log.warning("the secrets could not be renewed; the last valid ones stay in use", exc_info=True)
            return False
        changed = newer.openai_api_key != self._settings.openai_api_key
        self._settings = newer
        return changed
