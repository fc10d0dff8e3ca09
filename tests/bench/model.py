"""In place of OpenAI: an HTTP server that streams the
tokens of the message at its rate.

The message has `tokens=N rate=R` (R in tokens per second; 0 sends all at once). Each
token has the time of its sending, by `time.perf_counter_ns`: `message()` makes the
request, and `stamps()` reads the times.
"""

import asyncio
import json
import re
import time
from typing import Self

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n"
DELTA = {
    "type": "response.output_text.delta",
    "item_id": "msg_67c9fdcf37fc8190ba82116e33fb28c507b8b0ad4e5eb654",
    "output_index": 0,
    "content_index": 0,
    "delta": " w@STAMP;",
    "logprobs": [],
    "sequence_number": 7,
}
RESPONSE = {
    "id": "resp_67c9fdcecf488190bdd9a0409de3a1ec07b8b0ad4e5eb654",
    "object": "response",
    "created_at": 1741290958,
    "error": None,
    "incomplete_details": None,
    "model": "gpt-4o-mini",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": None,
}
USAGE = {
    "input_tokens": 8,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 8,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 16,
}


def message(tokens: int, rate: int = 0) -> str:
    """Returns the message for this number of tokens."""
    return f"tokens={tokens} rate={rate}"


def stamps(text: bytes) -> tuple[list[int], bytes]:
    """Returns the times of the tokens in a piece of text, and
    the beginning of an incomplete one.
    """
    *tokens, rest = text.split(b";")
    return [int(token.rpartition(b"@")[2]) for token in tokens], rest


def chunk(event: dict[str, object]) -> bytes:
    """Returns an event like OpenAI's, in one chunk."""
    frame = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(frame), frame)


STAMP = "0" * 19  # keeps the chunk's length
CREATED = chunk({"type": "response.created", "sequence_number": 0, "response": RESPONSE | {"status": "in_progress"}})
BEFORE, AFTER = chunk(DELTA | {"delta": f" w@{STAMP};"}).split(STAMP.encode())
COMPLETED = chunk(
    {"type": "response.completed", "sequence_number": 9, "response": RESPONSE | {"status": "completed", "usage": USAGE}}
)


def token() -> bytes:
    """Returns the chunk of a token that is sent now."""
    return b"%b%019d%b" % (BEFORE, time.perf_counter_ns(), AFTER)


class Model:
    """Runs the server in a block."""

    connections = 0

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), "127.0.0.1", 0)
        self.base_url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()


class Connection(asyncio.Protocol):
    """A client's connection; one request at a time."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._model.connections += 1

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        if end and length and len(body) >= int(length[1]):
            self._buffer = b""
            asked = re.search(rb"tokens=(\d+) rate=(\d+)", body)
            assert asked
            self._answer(int(asked[1]), int(asked[2]))

    def _answer(self, tokens: int, rate: int) -> None:
        if rate:
            self._task = asyncio.create_task(self._stream(tokens, 1 / rate))
        else:
            answer = b"".join(token() for _ in range(tokens))
            self._transport.write(HEAD + CREATED + answer + COMPLETED + b"0\r\n\r\n")

    async def _stream(self, tokens: int, interval: float) -> None:
        self._transport.write(HEAD + CREATED)
        due = time.perf_counter()
        for _ in range(tokens):
            due += interval
            await asyncio.sleep(due - time.perf_counter())
            self._transport.write(token())
        self._transport.write(COMPLETED + b"0\r\n\r\n")
