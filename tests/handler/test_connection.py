"""The connection to the Runtime API, in cases that the loop shows only by chance."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import h11
import pytest

from handler.connection import Connection
from handler.endpoint import Endpoint
from handler.protocol import End, Head, next_invocation
from tests.fakes.runtime_api import RuntimeApi
from tests.handler.apps import in_time
from tests.handler.events import function_url

MB = 1024 * 1024
HEAD = Head("POST", "/", ((b"Transfer-Encoding", b"chunked"),))
FIRST = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"
SECOND = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext"

EARLY = {
    "length": FIRST,
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
    "no body": b"HTTP/1.1 204 No Content\r\n\r\n",
    "close": b"HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/1.0": b"HTTP/1.0 202 Accepted\r\nContent-Length: 0\r\n\r\n",
    "after others": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + FIRST,
    "more than an answer": FIRST + FIRST,
}


def endpoint(address: str) -> Endpoint:
    return Endpoint.read({"AWS_LAMBDA_RUNTIME_API": address})


class Server:
    """The server's end of the latest connection, which
    sends and reads as the test does.
    """

    def __init__(self) -> None:
        self._writers: list[asyncio.StreamWriter] = []
        self._http = h11.Connection(h11.SERVER)

    @property
    def connections(self) -> int:
        return len(self._writers)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._writers.append(writer)
        self._http = h11.Connection(h11.SERVER)

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def read(self, size: int) -> bytes:
        """Reads at least `size` bytes of the next request's body."""
        body = b""
        while len(body) < size:
            match await self._event():
                case h11.Data(data=data):
                    body += data
        return body

    async def finish(self, answer: bytes) -> bytes:
        """Reads the rest of the body, then sends `answer` to the next request."""
        body = b""
        while not isinstance(event := await self._event(), h11.EndOfMessage):
            body += bytes(event.data) if isinstance(event, h11.Data) else b""
        self.send(answer)
        return body

    def close(self) -> None:
        self._writer.close()

    async def end(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()

    def reset(self) -> None:
        """Closes the connection with a reset."""
        linger = struct.pack("ii", 1, 0)
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()

    async def _event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(MB))
        return event


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Server, Connection]]:
    """A server that has read the head of a request, and the client's connection."""
    end = Server()
    async with await asyncio.start_server(end.accept, "127.0.0.1", 0) as server:
        try:
            async with Connection(endpoint(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")) as connection:
                await connection.write([HEAD, b"begin"])
                await wait_for(lambda: end.connections)
                await in_time(end.read(5))
                yield end, connection
        finally:
            await end.end()


async def wait_for(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - sockets set no Event
            await asyncio.sleep(0)


async def wait_receiving(connection: Connection) -> None:
    await wait_for(lambda: connection.is_receiving)


async def write_until_refused(connection: Connection) -> None:
    async with asyncio.timeout(10):
        while True:
            await connection.write([bytes(4096)])
            await asyncio.sleep(0)


async def both(server: Awaitable[bytes], *client: Awaitable[object]) -> bytes:
    """Returns the result of the first task."""
    async with asyncio.timeout(10):
        body, *_ = await asyncio.gather(server, asyncio.gather(*client))
    return body


async def test_answer_survives_cancelled_reader(api: RuntimeApi) -> None:
    async with Connection(endpoint(api.address)) as connection:
        await connection.write(next_invocation())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await connection.answer()
        api.invoke(function_url())
        assert (await in_time(connection.answer())).status == 200


async def test_connection_reports_incoming_answer(api: RuntimeApi) -> None:
    async with Connection(endpoint(api.address)) as connection:
        await connection.write(next_invocation())
        await api.polled(1)
        assert (connection.awaits_answer, connection.is_receiving) == (True, False)
        api.invoke(function_url())
        await in_time(connection.answer())
        assert (connection.awaits_answer, connection.is_receiving) == (False, False)


@pytest.mark.parametrize("answer", EARLY.values(), ids=EARLY)
async def test_early_2xx_lets_the_body_finish(answer: bytes) -> None:
    for split in range(len(answer) + 1):
        async with connected() as (server, connection):
            if split:
                server.send(answer[:split])
                await wait_receiving(connection)
            await connection.write([b"one"])
            assert await in_time(server.read(3)) == b"one"
            server.send(answer[split:])
            await wait_receiving(connection)
            await connection.write([b"two"])
            rest = await both(server.finish(b""), connection.write([b"three", End()]))
            assert rest == b"twothree"
            assert (await in_time(connection.answer())).status // 100 == 2


@pytest.mark.parametrize("status", [300, 400, 404, 410, 413, 500, 503])
async def test_early_refusal_stops_the_body(status: int) -> None:
    answer = b"HTTP/1.1 %d -\r\nContent-Length: 2\r\n\r\n{}" % status
    for split in (1, 9, len(answer) - 3, len(answer)):
        async with connected() as (server, connection):
            server.send(answer[:split])
            await wait_receiving(connection)
            server.send(answer[split:])
            with pytest.raises(ConnectionError):
                await write_until_refused(connection)
            assert (await in_time(connection.answer())).status == status


async def test_early_refusal_stops_body_before_end() -> None:
    async with connected() as (server, connection):
        server.send(b"HTTP/1.1 413 -\r\nContent-Length: 100\r\n\r\n")
        with pytest.raises(ConnectionError):
            await write_until_refused(connection)
        assert (await in_time(connection.answer())).status == 413


@pytest.mark.parametrize("close", [Server.close, Server.reset])
@pytest.mark.parametrize("answer", [b"", *EARLY.values()], ids=["no answer", *EARLY])
async def test_closed_connection_stops_the_body(answer: bytes, close: Callable[[Server], None]) -> None:
    async with connected() as (server, connection):
        server.send(answer)
        close(server)
        with pytest.raises(ConnectionError):
            await write_until_refused(connection)
        with pytest.raises(ConnectionError):
            await in_time(connection.answer())


async def test_close_is_noticed_while_nothing_is_written() -> None:
    async with connected() as (server, connection):
        server.send(FIRST)
        await wait_receiving(connection)
        server.close()
        with pytest.raises(ConnectionError):
            await in_time(connection.answer())


async def test_close_loses_what_is_still_buffered() -> None:
    async with connected() as (server, connection):
        server.send(FIRST)
        await wait_receiving(connection)
        writing = asyncio.create_task(connection.write([bytes(32 * MB), End()]))
        await in_time(server.read(MB))
        server.reset()
        with pytest.raises(ConnectionError):
            await in_time(writing)
        with pytest.raises(ConnectionError):
            await in_time(connection.answer())


async def test_answer_waits_until_the_body_has_left() -> None:
    async with connected() as (server, connection):
        server.send(FIRST)
        await wait_receiving(connection)
        writing = asyncio.create_task(connection.write([bytes(32 * MB), End()]))
        answering = asyncio.create_task(connection.answer())
        await in_time(server.read(MB))
        assert not answering.done()
        rest = await both(server.finish(b""), writing, answering)
        assert len(rest) > 30 * MB
        assert answering.result().status == 202


async def test_connection_is_reused_after_an_early_answer() -> None:
    async with connected() as (server, connection):
        server.send(FIRST)
        await wait_receiving(connection)
        await both(server.finish(b""), connection.write([bytes(MB), End()]), connection.answer())
        await connection.write(next_invocation())
        server.send(SECOND)
        assert (await in_time(connection.answer())).body == b"next"
        assert server.connections == 1


@pytest.mark.parametrize("kind", ["close", "HTTP/1.0", "more than an answer"])
@pytest.mark.parametrize("early", [True, False])
async def test_connection_is_replaced_if_it_cannot_be_reused(kind: str, *, early: bool) -> None:
    async with connected() as (server, connection):
        if early:
            server.send(EARLY[kind])
            await wait_receiving(connection)
        await both(server.finish(b"" if early else EARLY[kind]), connection.write([End()]), connection.answer())
        await connection.write(next_invocation())
        await wait_for(lambda: server.connections == 2)
        server.send(SECOND)
        assert (await in_time(connection.answer())).body == b"next"
