"""Processes on one store, before one stand-in for OpenAI."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import httpx2
import pytest

from infra.standin.server import StandIn
from tests.faults.client import PATIENCE
from tests.faults.server import Server

PATIENT, IMPATIENT = "app.main:create_app", "tests.faults.impatient:create_app"
Start = Callable[[str], Server]


class Processes(NamedTuple):
    """Two as they are deployed, and one with a short lease."""

    a: Server
    b: Server
    impatient: Server


@pytest.fixture(scope="package")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="package")
def processes(data_dir: Path, running_standin: StandIn) -> Iterator[Processes]:
    with ExitStack() as stack:
        yield Processes(
            *(
                stack.enter_context(Server(factory, data_dir=data_dir, openai=running_standin.base_url))
                for factory in (PATIENT, PATIENT, IMPATIENT)
            )
        )


@pytest.fixture
def start(data_dir: Path, standin: StandIn) -> Iterator[Start]:
    """Starts a further process, for one test."""
    with ExitStack() as stack:
        yield lambda factory: stack.enter_context(Server(factory, data_dir=data_dir, openai=standin.base_url))


@pytest.fixture
async def a(processes: Processes, standin: StandIn) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the first process; the stand-in remembers nothing from before."""
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
