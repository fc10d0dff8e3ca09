"""A fast Runtime API for measurements; the one of tests/fakes checks the protocol.

    async with RuntimeApi() as api:
        api.queue(event)                          # for the first poll
        start_something(api.address)
        await api.first_poll
        invocation = await api.invoke(event)      # waits for the end of the response
        invocation.first_byte, invocation.delays  # the measurements

It also has the part of the Extensions API that Lambda Web Adapter uses (2020-01-01).
Times are of `time.perf_counter_ns`, which all processes of a machine share.
"""

import asyncio
import socket
import time
import uuid
from collections import deque
from collections.abc import Callable
from typing import Any, Self

from tests.bench.model import stamps

NULS = bytes(8)
LIMIT = 60.0  # seconds of one invocation
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
REGISTERED = (
    b"HTTP/1.1 200 OK\r\nLambda-Extension-Identifier: bench\r\n"
    b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
)


class Invocation:
    """One event, and the measurements of its response."""

    def __init__(self, event: bytes) -> None:
        self.id = str(uuid.uuid4())
        self.event = event
        self.handed_out = 0
        self.first_byte = 0
        """The arrival of the first byte after the prelude."""
        self.delays: list[int] = []
        """For each token, the ns since the model sent it."""
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._prelude: bytes | None = b""
        self._rest = b""

    async def complete(self) -> Self:
        """Waits for the response.

        Raises RuntimeError for an error, and TimeoutError.
        """
        async with asyncio.timeout(LIMIT):
            await self.over
        return self

    def take(self, data: bytes, now: int) -> None:
        """Takes a piece of the response's body."""
        if self._prelude is not None:
            self._prelude, delimiter, data = (self._prelude + data).partition(NULS)
            if not delimiter:
                return
            self._prelude = None
        if data and not self.first_byte:
            self.first_byte = now
        found, self._rest = stamps(self._rest + data)
        self.delays += (now - stamp for stamp in found)


class RuntimeApi:
    """Serves one contestant.

    `quick` acknowledges at once; Linux may otherwise wait up to 40 ms.
    """

    def __init__(self, *, quick: bool = False) -> None:
        self.quick = quick
        self.first_poll: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._events: deque[Invocation] = deque()
        self._waiting: deque[Connection] = deque()
        self.open: dict[str, Invocation] = {}

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    def queue(self, event: bytes) -> Invocation:
        """Queues an event for the next poll."""
        invocation = Invocation(event)
        self._events.append(invocation)
        self._hand_out()
        return invocation

    async def invoke(self, event: bytes) -> Invocation:
        """Sends an event, and waits for its response, like `Invocation.complete`."""
        return await self.queue(event).complete()

    def poll(self, connection: "Connection", now: int) -> None:
        if not self.first_poll.done():
            self.first_poll.set_result(now)
        self._waiting.append(connection)
        self._hand_out()

    def failed(self, path: str, report: bytes) -> None:
        """Ends all waits with the error that was posted."""
        error = RuntimeError(f"{path}: {report.decode()}")
        waiting: list[asyncio.Future[Any]] = [self.first_poll, *(each.over for each in self.open.values())]
        for future in waiting:
            if not future.done():
                future.set_exception(error)

    def _hand_out(self) -> None:
        while self._events and self._waiting:
            invocation, connection = self._events.popleft(), self._waiting.popleft()
            self.open[invocation.id] = invocation
            connection.send(
                f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(invocation.event)}\r\n"
                f"Lambda-Runtime-Aws-Request-Id: {invocation.id}\r\n"
                f"Lambda-Runtime-Deadline-Ms: {int((time.time() + LIMIT) * 1000)}\r\n"
                "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-central-1:123456789012:function:bench\r\n"
                "Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0\r\n\r\n".encode()
                + invocation.event
            )
            invocation.handed_out = time.perf_counter_ns()


class Connection(asyncio.Protocol):
    """One connection from a runtime.

    `_read` is the state: the function for the next bytes.
    """

    def __init__(self, api: RuntimeApi) -> None:
        self._api = api
        self._buffer = b""
        self._read: Callable[[int], bool] = self._read_head
        self._path = ""
        self._length = 0
        self._invocation: Invocation | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.send = transport.write
        self._socket: socket.socket = transport.get_extra_info("socket")

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter_ns()
        if self._api.quick:  # Linux resets it
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        self._buffer += data
        while self._read(now):
            pass

    def _cut(self, end: bytes) -> bytes | None:
        """Returns the bytes before `end`; None without it."""
        found, mark, rest = self._buffer.partition(end)
        if not mark:
            return None
        self._buffer = rest
        return found

    def _read_head(self, now: int) -> bool:
        if (head := self._cut(b"\r\n\r\n")) is None:
            return False
        line, *fields = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        self._path = line.split(" ")[1]
        self._length = int(headers.get("content-length", 0))
        if self._path.endswith("/response"):
            self._invocation = self._api.open.pop(self._path.split("/")[-2])
        self._read = self._read_chunk if "transfer-encoding" in headers else self._read_body
        return self._read(now)

    def _read_body(self, now: int) -> bool:
        if len(self._buffer) < self._length:
            return False
        body, self._buffer = self._buffer[: self._length], self._buffer[self._length :]
        self._end(now, body)
        return bool(self._buffer)

    def _read_chunk(self, now: int) -> bool:
        size, line, rest = self._buffer.partition(b"\r\n")
        if not line:
            return False
        length = int(size, 16)
        if length == 0:
            return self._read_trailers(now)
        if len(rest) < length + 2:
            return False
        assert self._invocation is not None
        self._invocation.take(rest[:length], now)
        self._buffer = rest[length + 2 :]
        return True

    def _read_trailers(self, now: int) -> bool:
        if (trailers := self._cut(b"\r\n\r\n")) is None:
            return False
        if trailers != b"0":
            self._api.failed(self._path, trailers)
        self._end(now, b"")
        return bool(self._buffer)

    def _end(self, now: int, body: bytes) -> None:
        """Handles a whole request."""
        self._read = self._read_head
        match self._path.split("/")[-1]:
            case "next" if "/runtime/" in self._path:
                self._api.poll(self, now)
            case "response":
                self.send(ACCEPTED)
                assert self._invocation is not None
                self._invocation.over.set_result(None)
            case "register":
                self.send(REGISTERED)
            case "error":
                self.send(ACCEPTED)
                self._api.failed(self._path, body)
