"""The stand-in under uvicorn: in a thread of this process (`StandIn`), or in the foreground (`serve`).

Two changes to uvicorn's ways. A play may drop its connection, which ASGI has no word for, so the protocol hands the
transport to the application. And the end of the server drops the connections that are still open, because a request
that waits at a gate would otherwise hold it up.
"""

import asyncio
import logging
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

import anyio.to_thread
import uvicorn
from uvicorn.config import LOGGING_CONFIG
from uvicorn.protocols.http.h11_impl import H11Protocol

from infra.standin.asgi import create_standin_app
from infra.standin.demo import Pace
from infra.standin.ledger import Received
from infra.standin.state import State

FIRST_TOKEN = 0.3  # seconds
TOKENS_PER_SECOND = 50.0
THREAD = "standin"


class StandIn:
    """The stand-in on a free port, from `with StandIn() as standin:` to the end of the block.

    It runs in a daemon thread with an event loop of its own; every method may be called from any thread. What waits for
    a request counts from 0, the first since the start or the last `clear()`.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        first_token: float = FIRST_TOKEN,
        tokens_per_second: float = TOKENS_PER_SECOND,
    ) -> None:
        self._state = State(Pace(first_token, tokens_per_second))
        self._host, self._port = host, port
        self._server = _Server(_config(self._state))
        self._thread = threading.Thread(target=self._run, name=THREAD, daemon=True)

    def start(self) -> None:
        """Listens and serves; raises OSError where the port is taken."""
        logging.getLogger("uvicorn.error").addFilter(_worth_telling)
        # a client that comes before the thread is ready waits in the socket's backlog
        self._socket = socket.create_server((self._host, self._port))
        self._port = self._socket.getsockname()[1]
        self._thread.start()

    def stop(self) -> None:
        """Drops the connections that are open, and returns when the thread has ended."""
        self._server.should_exit = True
        self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])

    @property
    def base_url(self) -> str:
        """What OPENAI_BASE_URL takes."""
        return f"http://{self._host}:{self._port}/v1"

    def requests(self) -> list[Received]:
        """The requests received, the first first."""
        return self._state.ledger.requests()

    def open_gate(self, name: str) -> None:
        """Opens a gate, for plays that wait there and for those that will come to it."""
        self._state.gates.open(name)

    def clear(self) -> None:
        """Forgets requests and the counts of `times`, and shuts the gates that are open."""
        self._state.clear()

    def wait_received(self, index: int = 0, *, within: float = 10.0) -> Received:
        """Waits until request `index` has arrived; TimeoutError after `within` seconds."""
        return self._state.ledger.wait(lambda requests: len(requests) > index, within)[index]

    def wait_ended(self, index: int = 0, *, within: float = 10.0) -> Received:
        """Waits until request `index` is finished or closed; TimeoutError after `within` seconds.

        It blocks its thread: where the client lives in the same event loop, use `ended`.
        """

        def ended(requests: list[Received]) -> bool:
            return len(requests) > index and requests[index].state != "open"

        return self._state.ledger.wait(ended, within)[index]

    async def ended(self, index: int = 0, *, within: float = 10.0) -> Received:
        """`wait_ended` for a caller in an event loop, which goes on meanwhile."""
        return await anyio.to_thread.run_sync(lambda: self.wait_ended(index, within=within))


def _worth_telling(record: logging.LogRecord) -> bool:
    """Keeps the comings and goings of the thread's uvicorn out of the log of the one that serves the application."""
    return record.threadName != THREAD or record.levelno >= logging.WARNING


def serve(host: str, port: int, pace: Pace) -> None:
    """Serves in the foreground until SIGINT or SIGTERM; exits with an error message where the port is taken."""
    config = _config(State(pace), host=host, port=port, log_config=LOGGING_CONFIG)
    with suppress(KeyboardInterrupt):  # uvicorn passes the signal on, once everything has ended well
        _Server(config).run()


def _config(
    state: State, *, host: str = "127.0.0.1", port: int = 0, log_config: dict[str, object] | None = None
) -> uvicorn.Config:
    return uvicorn.Config(
        create_standin_app(state),
        host=host,
        port=port,
        loop="asyncio",
        http=_Protocol,
        ws="none",
        lifespan="off",
        # in a thread the logging belongs to the process around it
        log_config=log_config,
    )


class _Protocol(H11Protocol):
    """HTTP/1.1 without an access log, and with the transport in scope["state"]."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self.access_log = False
        self.app_state = {**self.app_state, "transport": transport}


class _Server(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for connection in list(self.server_state.connections):
            if isinstance(connection, _Protocol):
                connection.transport.close()
        await super().shutdown(sockets)
