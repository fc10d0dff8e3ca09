"""The emulated Runtime API, and the loop under test."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from mangum.types import ASGI

from handler.bridge import Bridge
from handler.runtime import run
from tests.fakes.runtime_api import RuntimeApi
from tests.handler.apps import hello

Serve = Callable[..., asyncio.Task[int]]


@pytest.fixture
def bridge() -> Iterator[Bridge]:
    """Reads events. Mangum creates an event loop, which it does not use for that."""
    with asyncio.Runner() as runner:
        asyncio.set_event_loop(runner.get_loop())
        yield Bridge(hello)
        asyncio.set_event_loop(None)


@pytest.fixture
def answers_early() -> bool:
    """Whether a response is answered before its body.

    A module that parametrizes this runs in both modes.
    """
    return False


@pytest.fixture
def prefix() -> str:
    """A path in the address of the Runtime API; parametrize it like `answers_early`."""
    return ""


@pytest.fixture
async def api(answers_early: bool, prefix: str) -> AsyncIterator[RuntimeApi]:
    """A Runtime API; the test fails if its rules were violated."""
    async with RuntimeApi(answers_early=answers_early, prefix=prefix) as api:
        yield api
    assert api.violations == []


@pytest.fixture
async def serve(api: RuntimeApi) -> AsyncIterator[Serve]:
    """Runs an app in the loop during the test; keywords are environment variables."""
    running: list[asyncio.Task[int]] = []

    def start(app: ASGI, **variables: str) -> asyncio.Task[int]:
        running.append(asyncio.create_task(run(lambda: app, {"AWS_LAMBDA_RUNTIME_API": api.address, **variables})))
        return running[-1]

    yield start
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
