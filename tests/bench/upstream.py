"""CPU for each upstream event: our reader against the SDK's
typed stream, on the same bytes.

`python -m tests.bench.upstream` prints the medians of several runs. The server is a
separate process, so that the CPU time of this thread is only the client's: socket,
HTTP, decoding, JSON.
"""

import asyncio
import json
import multiprocessing
import statistics
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai

from app.secrets import Secrets
from app.settings import Settings
from app.upstream.client import Item, Prompt, Upstream

EVENTS = 5_000
RUNS = 5
COMPLETED = b'event: response.completed\ndata: {"type":"response.completed","response":{"output":[]}}\n\n'
LIMIT = 40  # us, our limit
PROMPT = Prompt(items=(Item("user", "Hi"),), model="gpt-4o-mini", instructions=None, max_output_tokens=100)


def chunks() -> Iterator[bytes]:
    """Returns a stream like OpenAI's: one event in each HTTP chunk."""
    for number in range(EVENTS):
        event = {
            "type": "response.output_text.delta",
            "item_id": "msg_67c9fdcf37fc8190ba82116e33fb28c507b8b0ad4e5eb654",
            "output_index": 0,
            "content_index": 0,
            "delta": " word",
            "logprobs": [],
            "obfuscation": "x" * 12,
            "sequence_number": number,
        }
        frame = f"event: response.output_text.delta\ndata: {json.dumps(event)}\n\n".encode()
        yield b"%x\r\n%b\r\n" % (len(frame), frame)
    yield b"%x\r\n%b\r\n0\r\n\r\n" % (len(COMPLETED), COMPLETED)


class Handler(BaseHTTPRequestHandler):
    """Answers every request with that stream, event by event."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    frames = tuple(chunks())

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for frame in self.frames:
            self.wfile.write(frame)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Logs nothing: the table is the output."""


class Server(ThreadingHTTPServer):
    """Ignores the disconnect of a reader that has enough."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Logs nothing."""


@asynccontextmanager
async def ours(base_url: str) -> AsyncIterator[AsyncIterable[object]]:
    settings = Settings(_env_file=None, openai_api_key="sk-bench", openai_base_url=base_url)
    upstream = Upstream(settings, Secrets(settings))
    yield await upstream.open(PROMPT)
    await upstream.close()


@asynccontextmanager
async def typed(base_url: str) -> AsyncIterator[AsyncIterable[object]]:
    async with openai.AsyncOpenAI(api_key="sk-bench", base_url=base_url) as client:
        yield await client.responses.create(model="gpt-4o-mini", input="Hi", stream=True)


Reader = Callable[[str], AbstractAsyncContextManager[AsyncIterable[object]]]


async def cpu_per_event(reader: Reader, base_url: str) -> float:
    """Returns microseconds of this thread's CPU time."""
    async with reader(base_url) as stream:
        return await measure(stream)


async def measure(stream: AsyncIterable[object]) -> float:
    began = time.thread_time()
    events = 0
    async for _ in stream:
        events += 1
    assert events == EVENTS + 1
    return (time.thread_time() - began) / EVENTS * 1e6


@contextmanager
def upstream_server() -> Iterator[str]:
    """Runs the server in a separate process; yields the value for OPENAI_BASE_URL."""
    with Server(("127.0.0.1", 0), Handler) as server:
        process = multiprocessing.get_context("fork").Process(target=server.serve_forever, daemon=True)
        process.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        process.terminate()


def main() -> None:
    readers = {"ours": ours, "the SDK's typed stream": typed}
    with upstream_server() as base_url:
        times = {
            name: statistics.median(asyncio.run(cpu_per_event(reader, base_url)) for _ in range(RUNS))
            for name, reader in readers.items()
        }
    print(f"CPU per upstream event, median of {RUNS} runs of {EVENTS} events (ours: at most {LIMIT} us)")
    for name, microseconds in times.items():
        print(f"  {name:24}{microseconds:8.1f} us{microseconds / times['ours']:8.1f} x")


if __name__ == "__main__":
    main()
