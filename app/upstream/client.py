"""The client of the OpenAI Responses API.

It retries only if OpenAI certainly did no work.

`Upstream.open(prompt)` returns when the first event has arrived, and raises a Problem
for a failure before it, so that the failure still has an HTTP status. `UpstreamStream`
reads on.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from app.problems import NotConfigured, Problem, UpstreamTooSlow, UpstreamUnauthorized
from app.secrets import Secrets
from app.settings import Settings
from app.upstream.causes import cause_of
from app.upstream.prompt import Item, Prompt
from app.upstream.request import Client, Declined
from app.upstream.stream import UpstreamStream

__all__ = ["Item", "Prompt", "Upstream"]

LONGEST_WAIT = 10.0  # seconds before a retry; longer Retry-After values are passed on to the client
log = logging.getLogger("rivulet.upstream")


class Upstream:
    """Opens answers.

    Retries a declined request: refused connection, 429, 503, or a renewed key.
    """

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Raises ConfigurationError."""
        self._settings = settings
        self._secrets = secrets
        self._sleep = sleep
        self._client = Client(settings, self._key)

    async def open(self, prompt: Prompt) -> UpstreamStream:
        """Sends the prompt and waits for the first event. Raises a Problem."""
        if self._secrets.openai_api_key is None and self._settings.openai_base_url is None:
            raise NotConfigured
        try:
            async with asyncio.timeout(self._settings.openai_timeout_first):
                return await self._open_with_retries(prompt)
        except TimeoutError as error:
            raise UpstreamTooSlow from error

    async def close(self) -> None:
        await self._client.close()

    async def _key(self) -> str:
        key = self._secrets.openai_api_key
        return key.get_secret_value() if key else "none"  # a compatible server may need no key

    async def _open_with_retries(self, prompt: Prompt) -> UpstreamStream:
        attempt = 0
        renewed = False
        while True:
            try:
                return await self._open_once(prompt)
            except Declined as declined:
                problem = declined.problem
                problem.__cause__ = declined.__cause__
            if isinstance(problem, UpstreamUnauthorized):
                if renewed or not await self._secrets.renew():
                    raise problem
                renewed = True
                _log_retry(problem, 0)
            elif (wait := self._wait(attempt, problem)) is not None:
                _log_retry(problem, wait)
                await self._sleep(wait)
                attempt += 1
            else:
                raise problem

    def _wait(self, attempt: int, problem: Problem) -> float | None:
        """Returns the seconds until the next attempt.

        None if there is none: it was the last one, it would be useless, or too late.
        """
        if not problem.retryable or attempt >= self._settings.openai_max_retries:
            return None
        backoff = 0.5 * 2**attempt * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, not a secret
        wait = backoff if problem.retry_after is None else float(problem.retry_after)
        return wait if wait <= LONGEST_WAIT else None

    async def _open_once(self, prompt: Prompt) -> UpstreamStream:
        stream = UpstreamStream(await self._client.post(prompt), self._settings.openai_timeout_between)
        try:
            await stream.begin()
        except BaseException:
            await stream.close()
            raise
        return stream


def _log_retry(problem: Problem, wait: float) -> None:
    log.warning("%s: the next attempt follows in %.1f s", problem.code, wait, extra=cause_of(problem))
