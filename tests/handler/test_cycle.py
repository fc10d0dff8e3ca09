"""A cycle with a reader that is always faster than the app."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
from mangum.types import Send

from handler.bridge import Bridge
from handler.connection import Connection
from handler.cycle import Cycle
from handler.endpoint import Endpoint
from handler.environment import Environment, LambdaContext
from handler.protocol import Invocation
from handler.reporting import Reporter, uncounted
from handler.response import response_to
from tests.fakes.invocation import PATIENCE
from tests.handler.apps import http, in_time, piece, start
from tests.handler.events import function_url


@pytest.fixture
def reader() -> Iterator[Endpoint]:
    """Connects to a thread that reads everything and sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def read() -> None:
            connection, _ = listener.accept()
            with connection:
                while connection.recv(1024 * 1024):
                    pass

        thread = threading.Thread(target=read)
        thread.start()
        yield Endpoint.read({"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{listener.getsockname()[1]}"})
        thread.join(PATIENCE)


async def test_sending_app_yields_to_other_tasks(reader: Endpoint, bridge: Bridge) -> None:
    turns = 0

    @http
    async def floods(send: Send) -> None:
        await start(send)
        for _ in range(1600):
            await piece(send, b"x")
        await piece(send, b"", more=False)

    invocation = Invocation("r1")
    request = bridge.request(function_url(), LambdaContext.of(invocation, Environment()))
    async with Connection(reader) as connection:
        response = response_to(invocation, request, buffered=False)
        cycle = Cycle(floods, request, response, connection, Reporter(invocation, uncounted))
        running = asyncio.create_task(cycle.run(None))
        while not running.done():
            turns += 1
            await asyncio.sleep(0)
        await in_time(running)
    assert turns > 50
