"""The OpenAI Responses API: opens a stream, reads its events, closes it, and maps what fails. The only module that
imports openai.

`Upstream.open(prompt)` returns once the first event is here, so that whatever goes wrong before it is still a real
HTTP status: it raises a Problem. Events come as decoded JSON and not through the SDK's typed stream, which takes
110 us of CPU for each.
"""

import asyncio
import logging
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Self

import anyio
import httpx2
import openai
from openai import AsyncAPIResponse
from pydantic_core import from_json

from app.chat import faults, sse
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
DONE = b"[DONE]"
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


class UpstreamStream:
    """The events of one answer. Iterating raises a Problem where the connection fails; `close()` ends generation."""

    def __init__(self, chunks: AsyncIterator[bytes], resources: AsyncExitStack) -> None:
        self._chunks = chunks
        self._resources = resources
        self._decoder = sse.Decoder()
        self._ready: deque[dict[str, Any]] = deque()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> dict[str, Any]:
        if not self._ready and not await self.fill():
            raise StopAsyncIteration
        return self._ready.popleft()

    async def fill(self) -> bool:
        """Reads until at least one event is ready. False at the end of the stream."""
        try:
            async for chunk in self._chunks:
                self._ready.extend(decode(event) for event in self._decoder.feed(chunk) if event.data != DONE)
                if self._ready:
                    return True
        except httpx2.TimeoutException as error:
            raise UpstreamTooSlow from error
        except httpx2.RequestError as error:
            raise UpstreamCut from error
        except ValueError as error:
            raise UpstreamFailed from error
        return False

    async def close(self) -> None:
        """Closes the connection, also where the task that asks for it is being cancelled."""
        with anyio.CancelScope(shield=True):
            await self._resources.aclose()


class Upstream:
    """One client for the life of the process; the key is looked up anew for each request."""

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
        self._client = openai.AsyncOpenAI(
            api_key=self._key,
            base_url=settings.openai_base_url,
            max_retries=0,  # the SDK's own retries know neither our time limit nor an exhausted quota
            timeout=openai.Timeout(settings.openai_timeout_between, connect=settings.openai_timeout_connect),
        )

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
        resources = AsyncExitStack()
        try:
            response = await resources.enter_async_context(self._request(prompt))
            stream = UpstreamStream(response.iter_bytes(), resources)
            if not await stream.fill():
                raise UpstreamCut
        except openai.APIError as error:
            raise problem_of(error) from error
        except BaseException:
            await resources.aclose()
            raise
        return stream

    def _request(self, prompt: Prompt) -> AbstractAsyncContextManager[AsyncAPIResponse[Any]]:
        return self._client.responses.with_streaming_response.create(
            model=prompt.model,
            input=[{"role": item.role, "content": item.text} for item in prompt.items],
            instructions=prompt.instructions or openai.omit,
            max_output_tokens=prompt.max_output_tokens,
            store=False,
            stream=True,
        )


def decode(event: sse.ServerSentEvent) -> dict[str, Any]:
    """The event's JSON object; its `type` is the SSE event name where it has none. Raises ValueError."""
    value = from_json(event.data)
    if not isinstance(value, dict):
        raise ValueError("an event is no JSON object")
    value.setdefault("type", event.event.decode())
    return value


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
