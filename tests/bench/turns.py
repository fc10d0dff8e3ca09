"""The cost of storing a turn: its log in SQLite against no log,
in the same run, from socket to frames.

`python -m tests.bench.turns` prints the added delay to the first token (median over
turns) and the CPU of this process for each token, database threads included.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import cast

from app.chat.turns import Caller, Turns
from app.contract import ChatRequest
from app.secrets import Secrets
from app.settings import Settings
from app.store import Batch, Store, TurnHead
from app.store.sqlite.store import SQLiteStore
from app.upstream.client import Upstream
from tests.bench.upstream import EVENTS, upstream_server

RUNS = 7
TURNS = 200
MAX_DELAY = 3.0  # ms
MAX_CPU = 1.15


class NoStore:
    """Stores nothing, and takes no time."""

    async def create(self, turn: TurnHead, title: str) -> TurnHead:
        del title
        return turn

    async def append(self, turn: TurnHead, batch: Batch) -> bool:
        del turn, batch
        return False

    async def stop_requested(self, turn: TurnHead, slot: int) -> bool:
        del turn, slot
        return False

    async def close(self) -> None:
        """Has nothing to close."""


async def tokens(chat: Turns, *, run_to_completion: bool) -> float:
    """Returns the seconds from the question to its first token; the
    rest of the answer is read or stopped.
    """
    caller = Caller("bench", "r")
    began = time.perf_counter()
    turn = await chat.begin(caller, ChatRequest(message="Hi"))
    first = 0.0
    async with aclosing(turn.frames()) as answer:
        async for frame in answer:
            if not first and b"event: text" in frame:
                first = time.perf_counter() - began
                if not run_to_completion:
                    chat.abandon(turn.head.owner, turn.head.conversation_id)
    await turn.wait_stored()
    return first


async def cpu_per_token(chat: Turns) -> float:
    """Returns microseconds."""
    began = time.process_time()
    await tokens(chat, run_to_completion=True)
    return (time.process_time() - began) / EVENTS * 1e6


async def measure(base_url: str, directory: Path) -> dict[str, tuple[float, float]]:
    """Returns, with and without the log: ms to the first
    token, us of CPU for each token.
    """
    settings = Settings(_env_file=None, openai_api_key="sk-bench", openai_base_url=base_url)
    upstream = Upstream(settings, Secrets(settings))
    stores = {"without a log": cast("Store", NoStore()), "SQLite": SQLiteStore(directory / "bench.db")}
    chats = {name: Turns(settings, upstream, store, lambda _: None) for name, store in stores.items()}
    first: dict[str, list[float]] = {name: [] for name in chats}
    cpu: dict[str, list[float]] = {name: [] for name in chats}
    for _ in range(TURNS):
        for name, chat in chats.items():
            first[name].append(await tokens(chat, run_to_completion=False) * 1e3)
    for _ in range(RUNS):
        for name, chat in chats.items():
            cpu[name].append(await cpu_per_token(chat))
    await upstream.close()
    for store in stores.values():
        await store.close()
    return {name: (statistics.median(first[name]), statistics.median(cpu[name])) for name in chats}


@contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


def main() -> None:
    with upstream_server() as base_url, scratch() as directory:
        figures = asyncio.run(measure(base_url, directory))
    first, cpu = figures["without a log"]
    print(f"Keeping a turn (delay at most {MAX_DELAY} ms, CPU at most {MAX_CPU} x)")
    for name, (ms, us) in figures.items():
        print(f"  {name:16}{ms:8.2f} ms to the first token ({ms - first:+.2f}){us:8.1f} us a token{us / cpu:8.2f} x")


if __name__ == "__main__":
    main()
