"""Clients of the stand-in."""

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
from openai import AsyncOpenAI

from infra.standin.server import StandIn


@pytest.fixture
def http(standin: StandIn) -> Iterator[httpx2.Client]:
    """A plain client with a key."""
    with httpx2.Client(base_url=standin.base_url, headers={"authorization": "Bearer key"}) as client:
        yield client


@pytest.fixture
async def openai(standin: StandIn) -> AsyncIterator[AsyncOpenAI]:
    """The real SDK, without retries."""
    async with AsyncOpenAI(api_key="key", base_url=standin.base_url, max_retries=0) as client:
        yield client
