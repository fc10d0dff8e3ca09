"""Server-sent events as bytes (WHATWG HTML, section 9.2): an
incremental decoder and an encoder. Pure.

`Decoder.feed(chunk)` takes bytes cut anywhere, even inside a character or between CR
and LF, and returns the completed events. Only CR, LF and CRLF end a line. An event
without data is dropped, and so is an unfinished one at the end of the stream.
"""

from typing import NamedTuple

BOM = b"\xef\xbb\xbf"
MAX_PENDING = 32 * 1024 * 1024  # bytes of one line; the last event repeats the whole response


class ServerSentEvent(NamedTuple):
    """An event's name (`message` by default) and its data, both encoded in UTF-8."""

    event: bytes
    data: bytes


class Decoder:
    """Decodes one stream. Raises ValueError if a line exceeds MAX_PENDING."""

    def __init__(self) -> None:
        self._pending: list[bytes] = []  # parts of the unfinished line
        self._length = 0
        self._after_cr = False
        self._at_start = True
        self._event = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Returns the events that this chunk completes, in order."""
        return [event for line in self._lines(chunk) if (event := self._take(line)) is not None]

    def _lines(self, chunk: bytes) -> list[bytes]:
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._after_cr = False
        if not chunk:
            return []
        self._after_cr = chunk.endswith(b"\r")
        lines = self._ended(chunk) if b"\n" in chunk or b"\r" in chunk else []
        if not lines:
            self._keep(chunk)
        if self._at_start and lines:
            self._at_start = False
            lines[0] = lines[0].removeprefix(BOM)
        return lines

    def _ended(self, chunk: bytes) -> list[bytes]:
        if self._pending:
            chunk = b"".join((*self._pending, chunk))
            self._pending.clear()
            self._length = 0
        lines = chunk.splitlines(keepends=True)
        if not lines[-1].endswith((b"\n", b"\r")):
            self._keep(lines.pop())
        return lines

    def _keep(self, piece: bytes) -> None:
        self._pending.append(piece)
        self._length += len(piece)
        if self._length > MAX_PENDING:
            raise ValueError("a line of the event stream has no end")

    def _take(self, line: bytes) -> ServerSentEvent | None:
        field, _, value = line.rstrip(b"\r\n").partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._event = value
        elif not line.strip(b"\r\n"):
            return self._dispatch()
        return None

    def _dispatch(self) -> ServerSentEvent | None:
        event, data = self._event or b"message", self._data
        self._event, self._data = b"", []
        return ServerSentEvent(event, b"\n".join(data)) if data else None


def encode(data: str, *, event: str | None = None, event_id: str | None = None) -> bytes:
    """Returns one event.

    A line break in `data` starts another `data:` line; a CR becomes LF.

    `event` and `event_id` must be single lines.
    """
    head = (f"id: {event_id}\n" if event_id else "") + (f"event: {event}\n" if event else "")
    if "\n" not in data and "\r" not in data:
        return f"{head}data: {data}\n\n".encode()
    lines = data.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return (head + "".join(f"data: {line}\n" for line in lines) + "\n").encode()


def comment(text: str = "") -> bytes:
    """Returns a comment, which every client ignores: it keeps the connection alive."""
    return f": {text}\n\n".encode()
