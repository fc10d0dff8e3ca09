"""One keep-alive HTTP/1.1 connection to the Runtime API: h11 over a Link.

Each request is written as `Write`s and returns an `Answer`. There is one exchange at a
time. Any failure raises OSError, and the next exchange begins on a new connection.
There are no time limits here: the caller cancels.

The answer may come before the request ends (RFC 9110, 7.5). A 2xx answer does not stop
the request: its exchange ends when the request has left as well. Any other answer, and
a closed connection, stop it (RFC 9112, 9.5).
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from typing import Self

import h11

from handler.endpoint import Endpoint
from handler.link import Link
from handler.protocol import ACCEPTED, End, Head, Header, Write
from handler.tasks import race


@dataclass(frozen=True, slots=True)
class Answer:
    """The response of the server; header names are lower-case."""

    status: int
    headers: tuple[Header, ...]
    body: bytes


class Connection:
    """Reconnects between exchanges if needed. An async context manager."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._http = h11.Connection(h11.CLIENT)
        self._link: Link | None = None
        self._answer: asyncio.Task[Answer] | None = None
        self._received = False
        self._ended = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.abort()

    async def exchange(self, writes: Sequence[Write]) -> Answer:
        """Sends a whole request and returns the answer."""
        await self.write(writes)
        return await self.answer()

    async def write(self, writes: Sequence[Write]) -> None:
        """Writes parts of a request, and returns when the socket has room for more.

        A Head begins an exchange. Raises OSError if the server has refused the request
        or closed the connection; `answer()` then returns or raises the cause.
        """
        if isinstance(writes[0], Head):
            await self._begin()
        if self._link is None or self._answer is None:
            raise ConnectionResetError("the Runtime API accepts no more of this request")
        ends = isinstance(writes[-1], End)
        self._link.write(self._encode(writes), flush=ends)
        if ends:
            self._ended.set()
        await self._link.wait_room()

    async def answer(self) -> Answer:
        """Returns the answer to the written request.

        A cancelled caller may call it again.
        """
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
        """Drops the connection and the exchange on it."""
        if self._answer is not None and not self._answer.cancel() and not self._answer.cancelled():
            self._answer.exception()  # marks it as seen
        self._answer = None
        if self._link is not None:
            self._link.abort()
            self._link = None

    async def _begin(self) -> None:
        if self._link is not None and self._is_reusable(self._link):
            self._http.start_next_cycle()
        else:
            self.abort()
            self._http = h11.Connection(h11.CLIENT)
            self._link = await Link.open(self._endpoint.host, self._endpoint.port)
        self._received = False
        self._ended.clear()
        # in a context of its own, so that it is not tracked as a task of the app
        self._answer = asyncio.create_task(self._read_answer(), context=Context())

    def _is_reusable(self, link: Link) -> bool:
        more, _ = self._http.trailing_data  # than one answer: the rest must not answer the next request
        states = self._http.our_state, self._http.their_state
        return link.is_open and states == (h11.DONE, h11.DONE) and not more

    def _encode(self, writes: Sequence[Write]) -> bytes:
        try:
            return b"".join(self._http.send(self._event(write)) or b"" for write in writes)
        except h11.LocalProtocolError as error:
            self.abort()
            raise ConnectionAbortedError(f"invalid request to the Runtime API: {error}") from error

    def _event(self, write: Write) -> h11.Event:
        match write:
            case Head():
                headers = [(b"Host", self._endpoint.authority.encode()), *write.headers]
                return h11.Request(method=write.method, target=self._endpoint.path + write.path, headers=headers)
            case End():
                return h11.EndOfMessage(headers=list(write.trailers))
            case data:
                return h11.Data(data=data)

    async def _read_answer(self) -> Answer:
        """Runs beside the request, so that an early answer is
        noticed during the writes.
        """
        try:
            answer = await self._receive()
            if answer.status in ACCEPTED:
                await self._finish_request()
        except h11.RemoteProtocolError as error:
            raise ConnectionAbortedError(f"invalid answer of the Runtime API: {error}") from error
        else:
            return answer
        finally:
            if self._link is not None and not self._has_left():
                self._link.abort()

    async def _finish_request(self) -> None:
        """Returns when the whole request is sent.

        Raises OSError if the server closes the connection before.
        """
        if self._link is None or self._has_left():
            return
        if not await race(self._leave(self._link), self._watch(self._link)):
            raise ConnectionResetError("the Runtime API closed the connection before the end of the request")

    async def _leave(self, link: Link) -> None:
        await self._ended.wait()
        await link.wait_empty()

    async def _watch(self, link: Link) -> None:
        """Returns when the server has closed the connection.

        Bytes after an answer make the connection unfit for reuse.
        """
        with suppress(OSError):
            while data := await link.read():
                if not self._http.trailing_data[0]:
                    self._http.receive_data(data)

    def _has_left(self) -> bool:
        return self._ended.is_set() and self._link is not None and self._link.is_empty

    async def _receive(self) -> Answer:
        status = 0
        headers: tuple[Header, ...] = ()
        body = bytearray()
        while True:
            match await self._next_event():
                case h11.Response(status_code=status, headers=found):
                    headers = tuple(found)
                    if status not in ACCEPTED and not self._has_left():
                        return Answer(status, headers, b"")  # at once: the request must stop
                case h11.Data(data=data):
                    body += data
                case h11.EndOfMessage():
                    return Answer(status, headers, bytes(body))
                case h11.ConnectionClosed():
                    raise ConnectionResetError("the Runtime API closed the connection without an answer")

    async def _next_event(self) -> object:
        if self._link is None:
            raise ConnectionResetError("the connection was dropped")
        while (event := self._http.next_event()) is h11.NEED_DATA:
            data = await self._link.read()
            self._received = True
            self._http.receive_data(data)
        return event
