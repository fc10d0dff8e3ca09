"""One keep-alive HTTP/1.1 connection to the Runtime API: h11 over asyncio streams.

In come `Write`s, out comes the `Answer` to each request. One exchange at a time; whatever breaks it raises OSError,
and the next exchange begins on a fresh connection. No time limits: those belong to the caller, who cancels.
"""

import asyncio
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Self

import h11

from handler.coalescer import Coalescer
from handler.protocol import End, Head, Header, Write

_READ_SIZE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said to a request; header names are lower-case."""

    status: int
    headers: tuple[Header, ...]
    body: bytes


class Connection:
    """Reconnects by itself between exchanges. Use it as an async context manager, or close it."""

    def __init__(self, address: str) -> None:
        """Takes "host:port" (AWS_LAMBDA_RUNTIME_API)."""
        self._address = address
        self._host, _, self._port = address.rpartition(":")
        self._http = h11.Connection(h11.CLIENT)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter, Coalescer] | None = None
        self._answer: asyncio.Task[Answer] | None = None
        self._received = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.abort()

    async def exchange(self, writes: Sequence[Write]) -> Answer:
        """A whole request and the answer to it."""
        await self.write(writes)
        return await self.answer()

    async def write(self, writes: Sequence[Write]) -> None:
        """Writes parts of a request, and returns when the socket has room for more.

        A Head begins an exchange. Once the server has answered, or is gone, there is no sense in writing on: that
        raises OSError, and `answer()` says what there is to know.
        """
        if isinstance(writes[0], Head):
            await self._begin()
        if self._streams is None or self._answer is None:
            raise ConnectionResetError("the Runtime API takes no more of this request")
        _, writer, coalescer = self._streams
        coalescer.write(self._encode(writes))
        if isinstance(writes[-1], End):
            coalescer.flush()
        await writer.drain()

    async def answer(self) -> Answer:
        """The answer to the request that was written. Who is cancelled meanwhile may ask for it again."""
        answer = self._answer
        if answer is None:
            raise ConnectionResetError("no request is under way")
        await asyncio.wait({answer})
        if self._answer is answer:
            self._answer = None
        if answer.cancelled():
            raise ConnectionResetError("the connection was dropped")
        return answer.result()

    @property
    def is_receiving(self) -> bool:
        """Whether an answer has begun to come."""
        return self._answer is not None and self._received

    @property
    def awaits_answer(self) -> bool:
        """Whether a request is under way."""
        return self._answer is not None

    def abort(self) -> None:
        """Drops the connection and whatever is under way on it."""
        if self._answer is not None and not self._answer.cancel() and not self._answer.cancelled():
            self._answer.exception()  # marks it as seen
        self._answer = None
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def _begin(self) -> None:
        if self._reusable():
            self._http.start_next_cycle()
        else:
            await self._connect()
        self._received = False
        # in a context of its own: it is none of the tasks of the app that may have sent what begins here
        self._answer = asyncio.create_task(self._read_answer(), context=Context())

    def _reusable(self) -> bool:
        if self._streams is None or self._streams[0].at_eof() or self._streams[1].is_closing():
            return False
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    async def _connect(self) -> None:
        self.abort()
        self._http = h11.Connection(h11.CLIENT)
        reader, writer = await asyncio.open_connection(self._host, int(self._port))
        self._streams = reader, writer, Coalescer(writer.write)

    def _encode(self, writes: Sequence[Write]) -> bytes:
        try:
            return b"".join(self._http.send(self._event(write)) or b"" for write in writes)
        except h11.LocalProtocolError as error:
            self.abort()
            raise ConnectionAbortedError(f"this cannot be sent: {error}") from error

    def _event(self, write: Write) -> h11.Event:
        match write:
            case Head():
                headers = [(b"Host", self._address.encode()), *write.headers]
                return h11.Request(method=write.method, target=write.path, headers=headers)
            case End():
                return h11.EndOfMessage(headers=list(write.trailers))
            case data:
                return h11.Data(data=data)

    async def _read_answer(self) -> Answer:
        """Runs beside the request, so that an answer that comes before its end stops it instead of blocking it."""
        try:
            return await self._receive()
        except h11.RemoteProtocolError as error:
            raise ConnectionAbortedError(f"the Runtime API broke off: {error}") from error
        finally:
            if self._streams is not None:
                transport = self._streams[1].transport
                # what the server has not taken of the request when it answers, it never will
                if self._http.our_state is not h11.DONE or transport.get_write_buffer_size():
                    transport.abort()  # wakes whoever waits for room in the socket

    async def _receive(self) -> Answer:
        status = 0
        headers: tuple[Header, ...] = ()
        body = bytearray()
        while True:
            match await self._next_event():
                case h11.Response(status_code=status, headers=found):
                    headers = tuple(found)
                case h11.Data(data=data):
                    body += data
                case h11.EndOfMessage():
                    return Answer(status, headers, bytes(body))
                case h11.ConnectionClosed():
                    raise ConnectionResetError("the Runtime API closed the connection without an answer")

    async def _next_event(self) -> object:
        if self._streams is None:
            raise ConnectionResetError("the connection was dropped")
        reader = self._streams[0]
        while (event := self._http.next_event()) is h11.NEED_DATA:
            data = await reader.read(_READ_SIZE)
            self._received = True
            self._http.receive_data(data)
        return event
