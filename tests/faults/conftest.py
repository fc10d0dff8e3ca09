"""Processes on one store, SQLite or DynamoDB, with one stand-in for OpenAI."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import httpx2
import pytest

from infra.standin.server import StandIn
from tests.app.store.conftest import client_of as dynamodb_client
from tests.app.store.dynamodb_schema import create_table_input
from tests.app.store.dynamodb_server import dynalite
from tests.app.store.rival import Place
from tests.faults.client import PATIENCE
from tests.faults.server import Server

PATIENT, IMPATIENT = "app.main:create_app", "tests.faults.impatient:create_app"
STORES = ("sqlite", "dynamodb")
TABLE = "faults"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "eu-central-1"}
Start = Callable[[str], Server]


class Processes(NamedTuple):
    """Two processes as deployed, and one with a short lease."""

    a: Server
    b: Server
    impatient: Server


@dataclass(frozen=True)
class Shared:
    """A store that processes share, with its place."""

    data_dir: Path
    place: Place
    env: Mapping[str, str]

    def start(self, factory: str, standin: StandIn, **env: str) -> Server:
        """Starts another process on it."""
        return Server(factory, data_dir=self.data_dir, openai=standin.base_url, env={**self.env, **env})


@pytest.fixture(scope="package", params=STORES)
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    data_dir = tmp_path_factory.mktemp("store")
    if request.param == "sqlite":
        yield Shared(data_dir, {"path": str(data_dir / "rivulet.db")}, {})
        return
    with dynalite() as endpoint:
        dynamodb_client(endpoint).create_table(**create_table_input(TABLE))
        env = {"TABLE_NAME": TABLE, "AWS_ENDPOINT_URL_DYNAMODB": endpoint, **CREDENTIALS}
        yield Shared(data_dir, {"table": TABLE, "endpoint": endpoint}, env)


@pytest.fixture(scope="package")
def processes(shared: Shared, running_standin: StandIn) -> Iterator[Processes]:
    with ExitStack() as stack:
        started = (shared.start(factory, running_standin) for factory in (PATIENT, PATIENT, IMPATIENT))
        yield Processes(*(stack.enter_context(server) for server in started))


@pytest.fixture
def start(shared: Shared, standin: StandIn) -> Iterator[Start]:
    """Starts another process for one test."""
    with ExitStack() as stack:
        yield lambda factory: stack.enter_context(shared.start(factory, standin))


@pytest.fixture
async def a(processes: Processes, standin: StandIn) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the first process; the stand-in is reset."""
    del standin
    async with client_of(processes.a) as client:
        yield client


@pytest.fixture
async def b(processes: Processes, standin: StandIn) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the second process."""
    del standin
    async with client_of(processes.b) as client:
        yield client


@pytest.fixture
async def impatient(processes: Processes, standin: StandIn) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the process with a short lease."""
    del standin
    async with client_of(processes.impatient) as client:
        yield client


def client_of(server: Server) -> httpx2.AsyncClient:
    limits = httpx2.Limits(max_connections=None)
    return httpx2.AsyncClient(base_url=server.url, timeout=PATIENCE, limits=limits)
