"""The TCP connection to the Runtime API: asyncio's streams with a Coalescer. No HTTP.

Every method that waits raises OSError if the connection breaks.
"""

import asyncio
from typing import Self

from handler.coalescer import Coalescer

_READ_SIZE = 64 * 1024


class Link:
    """One connection, from `open` to `abort`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._coalescer = Coalescer(writer.write)

    @classmethod
    async def open(cls, host: str, port: int) -> Self:
        return cls(*await asyncio.open_connection(host, port))

    @property
    def is_open(self) -> bool:
        """Whether neither end is known to have closed."""
        return not self._reader.at_eof() and not self._writer.is_closing()

    @property
    def is_empty(self) -> bool:
        """Whether the socket has taken all flushed bytes;
        False if the connection is lost.
        """
        return not self._writer.is_closing() and not self._writer.transport.get_write_buffer_size()

    def write(self, data: bytes, *, flush: bool) -> None:
        self._coalescer.write(data)
        if flush:
            self._coalescer.flush()

    async def wait_room(self) -> None:
        """Returns when the socket has room for more."""
        await self._writer.drain()

    async def wait_empty(self) -> None:
        """Returns when the socket has taken everything."""
        transport = self._writer.transport
        transport.set_write_buffer_limits(0)  # makes `drain` wait for the last byte
        try:
            await self._writer.drain()
        finally:
            transport.set_write_buffer_limits()

    async def read(self) -> bytes:
        """Returns the next bytes; b"" if the server has closed."""
        return await self._reader.read(_READ_SIZE)

    def abort(self) -> None:
        """Drops the connection and its unsent bytes, and wakes waiting callers."""
        self._writer.transport.abort()
