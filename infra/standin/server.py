"""The stand-in under uvicorn: in a thread of this process
(`StandIn`), or in the foreground (`serve`).

It differs from uvicorn in two ways. A script may close its connection, which ASGI
cannot express, so the protocol passes the transport to the application. A shutdown
closes open connections, because a request that waits at a gate would delay it.
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
from infra.standin.demo import Timing
from infra.standin.request_log import Received
from infra.standin.state import State

FIRST_TOKEN = 0.3  # seconds
TOKENS_PER_SECOND = 50.0
THREAD = "standin"


class StandIn:
    """The stand-in on a free port, in a `with` block.

    It runs in a daemon thread with its own event loop. Any thread may call its methods.
    Requests are counted from 0, the first since the start or the last `reset()`.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        first_token: float = FIRST_TOKEN,
        tokens_per_second: float = TOKENS_PER_SECOND,
    ) -> None:
        self._state = State(Timing(first_token, tokens_per_second))
        self._host, self._port = host, port
        self._server = _Server(_config(self._state))
        self._thread = threading.Thread(target=self._run, name=THREAD, daemon=True)

    def start(self) -> None:
        """Listens and serves. Raises OSError if the port is in use."""
        logging.getLogger("uvicorn.error").addFilter(_is_relevant)
        # a client that connects before the thread is ready waits in the socket's
        # backlog
        self._socket = socket.create_server((self._host, self._port))
        self._port = self._socket.getsockname()[1]
        self._thread.start()

    def stop(self) -> None:
        """Closes open connections, and returns when the thread has ended."""
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
        """The value for OPENAI_BASE_URL."""
        return f"http://{self._host}:{self._port}/v1"

    def requests(self) -> list[Received]:
        """Returns the received requests in order."""
        return self._state.log.requests()

    def open_gate(self, name: str) -> None:
        """Opens a gate, for present and later scripts."""
        self._state.gates.open(name)

    def reset(self) -> None:
        """Removes requests and the counts of `times`, and shuts open gates."""
        self._state.reset()

    def wait_received(self, index: int = 0, *, within: float = 10.0) -> Received:
        """Waits for the arrival of request `index`.

        Raises TimeoutError after `within` seconds.
        """
        return self._state.log.wait(lambda requests: len(requests) > index, within)[index]

    def wait_ended(self, index: int = 0, *, within: float = 10.0) -> Received:
        """Waits until request `index` is finished or closed.

        Raises TimeoutError after `within` seconds.

        It blocks the thread: in an event loop use `wait_ended_async`.
        """

        def ended(requests: list[Received]) -> bool:
            return len(requests) > index and requests[index].state != "open"

        return self._state.log.wait(ended, within)[index]

    async def wait_ended_async(self, index: int = 0, *, within: float = 10.0) -> Received:
        """The same for a caller in an event loop, which is not blocked."""
        return await anyio.to_thread.run_sync(lambda: self.wait_ended(index, within=within))


def _is_relevant(record: logging.LogRecord) -> bool:
    """Keeps start and stop of the thread's uvicorn out of the log of the
    application's.
    """
    return record.threadName != THREAD or record.levelno >= logging.WARNING


def serve(host: str, port: int, timing: Timing) -> None:
    """Serves in the foreground until SIGINT or SIGTERM.

    Exits with an error if the port is in use.
    """
    config = _config(State(timing), host=host, port=port, log_config=LOGGING_CONFIG)
    with suppress(KeyboardInterrupt):  # uvicorn raises the signal again after its shutdown
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
        # in a thread, the process has its own logging
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
