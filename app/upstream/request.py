"""One request to the Responses API, up to the head of a successful response.

This is the only module that imports openai.

`Client.post(prompt)` returns a response with a 2xx status, whatever its body. It raises
a Problem; `Declined`, with a Problem in it, if upstream certainly did no work.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import httpx2
import openai

from app.network import authorities, base_url, proxy_for
from app.problems import Problem, UpstreamFailed, UpstreamTooSlow, UpstreamUnreachable
from app.settings import Settings
from app.upstream import errors
from app.upstream.prompt import Prompt
from app.upstream.stream import BROKEN, parse

# A kept connection may have died while the process was frozen, or may be closed while
# the next request is sent. It may also have bytes left after a response, which would be
# read as the next response, perhaps to another user.
ONE_QUESTION_EACH = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
DECLINED = frozenset({401, 403, 429, 503})  # statuses of a server that did no work
MAX_ERROR = 64 * 1024  # bytes of an error's body; of a longer one only the status counts
ERROR_TIME = 2.0  # seconds to read an error's body


class Declined(Exception):  # noqa: N818 - not an error yet: the request may be sent again
    """Upstream did no work: it refused the connection, or answered with one of
    DECLINED.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.code)


class Client:
    """One client for the life of the process, with a new
    connection and the current key per request.
    """

    def __init__(self, settings: Settings, key: Callable[[], Awaitable[str]]) -> None:
        """Raises ConfigurationError."""
        self._sdk = _SDK(settings, key)

    async def post(self, prompt: Prompt) -> httpx2.Response:
        """Sends the prompt.

        Returns a response with a 2xx status. Raises a Problem, and Declined.

        It uses the SDK's bare `post`: the SDK's `responses` takes 0.1 s to import, and
        up to 0.6 ms per call to search for values to convert.
        """
        stream_cls = openai.AsyncStream[object]
        body = body_of(prompt)
        try:
            answer = await self._sdk.post("/responses", cast_to=object, body=body, stream=True, stream_cls=stream_cls)
        except openai.APITimeoutError as error:
            raise _of_timeout(error) from error
        except openai.APIConnectionError as error:
            if _is_refused(error):
                raise Declined(UpstreamUnreachable()) from error
            raise UpstreamUnreachable from error
        except openai.OpenAIError as error:
            raise UpstreamFailed from error
        return answer.response

    async def close(self) -> None:
        await self._sdk.close()


class _SDK(openai.AsyncOpenAI):
    """The SDK's client without the headers that it takes from the environment.

    OPENAI_ORG_ID, OPENAI_PROJECT_ID and OPENAI_CUSTOM_HEADERS become headers in the
    SDK, even if they are blank.
    """

    def __init__(self, settings: Settings, key: Callable[[], Awaitable[str]]) -> None:
        accounts = {"OpenAI-Organization": settings.openai_org_id, "OpenAI-Project": settings.openai_project_id}
        self._accounts = {name: value for name, value in accounts.items() if value}
        super().__init__(
            api_key=key,
            base_url=base_url(settings),
            max_retries=0,  # the SDK retries beyond our time limit, and if the quota is exhausted
            # other time limits are the reader's, per event: the SDK's are per byte
            timeout=openai.Timeout(None, connect=settings.openai_timeout_connect),
            http_client=_http_client(settings),
        )

    @property
    def default_headers(self) -> dict[str, str | openai.Omit]:
        """All headers except the key's and those of the body."""
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
        event_hooks={"response": [_refuse]},
    )


def body_of(prompt: Prompt) -> dict[str, object]:
    """Returns the request's body.

    Messages have typed parts, the only form that every server takes.
    """
    parts = {"user": "input_text", "assistant": "output_text"}
    body = {
        "model": prompt.model,
        "input": [
            {"type": "message", "role": role, "content": [{"type": parts[role], "text": text}]}
            for role, text in prompt.items
        ],
        "max_output_tokens": prompt.max_output_tokens,
        "store": False,
        "stream": True,
    }
    return {**body, "instructions": prompt.instructions} if prompt.instructions else body


async def _refuse(response: httpx2.Response) -> None:
    """Raises the Problem of an unsuccessful response.

    The SDK would lose the status of a response whose body is cut off.
    """
    if response.is_success:
        return
    body = await _read_error(response)
    problem = errors.from_status(response.status_code, parse(body), response.headers)
    raise Declined(problem) if response.status_code in DECLINED else problem


async def _read_error(response: httpx2.Response) -> bytes:
    """Returns the start of the body, as much as arrives."""
    body = bytearray()
    with suppress(TimeoutError, *BROKEN):
        async with asyncio.timeout(ERROR_TIME):
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_ERROR:
                    break
    return bytes(body)


def _of_timeout(error: openai.APITimeoutError) -> Problem:
    """Returns the Problem: no connection in time, or no
    response, whose outcome is unknown.
    """
    return UpstreamUnreachable() if isinstance(error.__cause__, httpx2.ConnectTimeout) else UpstreamTooSlow()


def _is_refused(error: BaseException | None) -> bool:
    """Whether the server refused the connection, so that nothing was sent."""
    if isinstance(error, BaseExceptionGroup):
        return any(_is_refused(each) for each in error.exceptions)
    if error is None or isinstance(error, ConnectionRefusedError):
        return error is not None
    return _is_refused(error.__cause__ or error.__context__)
