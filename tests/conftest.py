"""Shared fixtures: the stand-in for OpenAI, and the real app
in front of it, both on real sockets.
"""

import math
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx2
import pytest

from app.main import create_app
from app.settings import Settings
from infra.standin.server import StandIn
from tests.fakes.server import serving

MakeSettings = Callable[..., Settings]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """All code is for asyncio: the Runtime API loop, uvicorn, Mangum."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    """Removes settings from the environment: a real key must not be spent."""
    with pytest.MonkeyPatch.context() as patch:
        for name in Settings.model_fields:
            patch.delenv(name.upper(), raising=False)
        yield


@pytest.fixture(scope="session")
def running_standin() -> Iterator[StandIn]:
    with StandIn(first_token=0, tokens_per_second=math.inf) as standin:
        yield standin


@pytest.fixture
def standin(running_standin: StandIn) -> StandIn:
    """The stand-in, reset."""
    running_standin.reset()
    return running_standin


@pytest.fixture(scope="session")
def make_settings(running_standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> MakeSettings:
    """Makes settings for the stand-in, without `.env`; arguments override them."""

    def make(**changes: Any) -> Settings:
        ours: dict[str, Any] = {
            "openai_api_key": "sk-test",
            "openai_base_url": running_standin.base_url,
            "openai_max_retries": 0,
        }
        ours["data_dir"] = tmp_path_factory.mktemp("data")
        return Settings(_env_file=None, **(ours | changes))

    return make


@pytest.fixture(scope="session")
def app_url(make_settings: MakeSettings) -> Iterator[str]:
    """The app with its default settings, under uvicorn."""
    with serving(create_app(make_settings())) as url:
        yield url


@pytest.fixture
async def client(app_url: str, standin: StandIn) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of that app; the stand-in is reset."""
    del standin
    async with httpx2.AsyncClient(base_url=app_url) as client:
        yield client
