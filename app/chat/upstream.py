"""The OpenAI Responses API: asks it, and maps what fails before the first event. The only module that imports openai.

`Upstream.open(prompt)` returns once the first event is here, so that whatever goes wrong before it is still a real
HTTP status: it raises a Problem. What comes then is app.chat.upstream_stream's.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import httpx2
import openai

from app.chat import faults
from app.chat.upstream_stream import UpstreamStream
from app.network import authorities, base_url, proxy_for
from app.parameters import Secrets
from app.problems import (
    NotConfigured,
    Problem,
    UpstreamCut,
    UpstreamFailed,
    UpstreamTooSlow,
    UpstreamUnauthorized,
    UpstreamUnreachable,
)
from app.settings import Settings

LONGEST_WAIT = 10.0  # seconds before another attempt; who is told to wait longer hears it from the Problem
# A kept connection may have died while the process was frozen, may be closed just as the next question is sent on it,
# or hold bytes that a server left behind an answer: they would be read as the next one, perhaps another user's.
ONE_QUESTION_EACH = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
log = logging.getLogger("rivulet.upstream")


class Item(NamedTuple):
    """Something that was said in a conversation."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True)
class Prompt:
    """What is asked of the model: all that was said so far, the newest question last."""

    items: tuple[Item, ...]
    model: str
    instructions: str | None
    max_output_tokens: int


class _Client(openai.AsyncOpenAI):
    """The SDK's client without what it reads from the environment: OPENAI_ORG_ID,
    OPENAI_PROJECT_ID and OPENAI_CUSTOM_HEADERS become headers there, even if blank.
    """

    def __init__(self, settings: Settings, key: Callable[[], Awaitable[str]]) -> None:
        accounts = {"OpenAI-Organization": settings.openai_org_id, "OpenAI-Project": settings.openai_project_id}
        self._accounts = {name: value for name, value in accounts.items() if value}
        super().__init__(
            api_key=key,
            base_url=base_url(settings),
            max_retries=0,  # the SDK's own retries know neither our time limit nor an exhausted quota
            timeout=openai.Timeout(settings.openai_timeout_between, connect=settings.openai_timeout_connect),
            http_client=_http_client(settings),
        )

    @property
    def default_headers(self) -> dict[str, str | openai.Omit]:
        """All headers but the key's and those of the message itself."""
        return {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": self.user_agent,
            **self._accounts,
        }


def _http_client(settings: Settings) -> httpx2.AsyncClient:
    url = proxy_for(base_url(settings))
    trusted = authorities()
    return httpx2.AsyncClient(
        limits=ONE_QUESTION_EACH,
        proxy=url and httpx2.Proxy(url, ssl_context=trusted if url.startswith("https:") else None),
        verify=trusted or True,
        trust_env=False,
    )


class Upstream:
    """One client for the life of the process; a connection and the key anew for each request."""

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._secrets = secrets
        self._sleep = sleep
        self._client = _Client(settings, self._key)

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
        return key.get_secret_value() if key else "none"  # a compatible server may ask for no key

    async def _open_with_retries(self, prompt: Prompt) -> UpstreamStream:
        attempt = 0
        renewed = False
        while True:
            try:
                return await self._open_once(prompt)
            except UpstreamUnauthorized:
                if renewed or not await self._secrets.renew():
                    raise
                renewed = True
            except Problem as problem:
                wait = self._wait(attempt, problem)
                if wait is None:
                    raise
                await self._sleep(wait)
                attempt += 1

    def _wait(self, attempt: int, problem: Problem) -> float | None:
        """Seconds until the next attempt; None where there is none: it is the last, useless, or too far away."""
        if (
            not problem.retryable
            or isinstance(problem, UpstreamTooSlow)
            or attempt >= self._settings.openai_max_retries
        ):
            return None
        backoff = 0.5 * 2**attempt * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, not a secret
        wait = backoff if problem.retry_after is None else float(problem.retry_after)
        return wait if wait <= LONGEST_WAIT else None

    async def _open_once(self, prompt: Prompt) -> UpstreamStream:
        try:
            stream = UpstreamStream(await self._post(prompt))
        except openai.APIError as error:
            raise problem_of(error) from error
        except httpx2.TimeoutException as error:  # the body of an error is read outside of the SDK's own mapping
            raise UpstreamTooSlow from error
        except httpx2.RequestError as error:
            raise UpstreamCut from error
        try:
            if not await stream.fill():
                raise UpstreamCut
        except BaseException:
            await stream.close()
            raise
        return stream

    async def _post(self, prompt: Prompt) -> httpx2.Response:
        """By the SDK's `post`: its `responses` takes 0.1 s to import, and up to 0.6 ms to look for what to convert."""
        body = {
            "model": prompt.model,
            "input": [{"role": item.role, "content": item.text} for item in prompt.items],
            "max_output_tokens": prompt.max_output_tokens,
            "store": False,
            "stream": True,
        }
        if prompt.instructions:
            body["instructions"] = prompt.instructions
        stream_cls = openai.AsyncStream[object]
        answer = await self._client.post("/responses", cast_to=object, body=body, stream=True, stream_cls=stream_cls)
        return answer.response


def problem_of(error: openai.APIError) -> Problem:
    """What the SDK raised before the first byte, logged without its text: that can hold the prompt or the key."""
    match error:
        case openai.APIStatusError():
            problem = faults.from_status(error.status_code, error.body, error.response.headers)
            known = {"upstream_status": error.status_code, "upstream_request_id": error.request_id}
        case openai.APITimeoutError() if not isinstance(error.__cause__, httpx2.ConnectTimeout):
            problem, known = UpstreamTooSlow(), {}
        case openai.APIConnectionError():
            problem, known = UpstreamUnreachable(), {}
        case _:
            problem, known = UpstreamFailed(), {}
    log.warning("OpenAI did not answer: %s", problem.code, extra={**known, "upstream_code": error.code})
    return problem
