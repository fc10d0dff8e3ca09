"""The effect of long conversations on other clients: `python -m
tests.bench.conversations`.

It prints the longest wait of another client during each request, and the memory for the
export of the largest conversation. The other client repeatedly reads a turn and appends
to its log, in the same process and store (SQLite).
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, cast

from app.chat.conversations import Conversations
from app.chat.log_format import encode, encode_batches
from app.chat.turns import Caller, Turns
from app.contract import ChatRequest, End, Event, Start, Status, Text
from app.settings import Settings
from app.store import Batch, TurnHead
from app.store.sqlite.store import SQLiteStore
from app.upstream.client import Prompt, Upstream

MAX_WAIT = 100.0  # ms
MAX_MEMORY = 200.0  # MB
TURNS = 6_000
LARGEST_TURNS = 3_000
LARGEST = "\N{ROWBOAT}" * 40_000  # the maximum of MAX_MESSAGE_CHARS, of four bytes each
TOKENS = 100_000  # of one very long answer
ME = Caller("bench", "r")
HELLO = {"type": "response.output_text.delta", "delta": "Hello"}
COMPLETED = {"type": "response.completed", "response": {"status": "completed", "output": []}}


class AtOnce:
    """An upstream with one answer for every question."""

    async def open(self, prompt: Prompt) -> "AtOnce":
        del prompt
        self._events: Iterator[dict[str, Any]] = iter(
            [{"type": "response.output_text.delta", "delta": "Hello"}, COMPLETED]
        )
        return self

    def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        return self

    async def __anext__(self) -> dict[str, Any]:
        for event in self._events:
            return event
        raise StopAsyncIteration

    async def close(self) -> None:
        """Has nothing to close."""


def new_id() -> str:
    return str(uuid.uuid4())


async def add_turn(store: SQLiteStore, conversation: str, parent: str | None, message: str, *answer: Event) -> str:
    """Creates a completed turn. Returns its id."""
    turn, now = new_id(), time.time()
    head = TurnHead(turn, ME.owner, "p", conversation, parent, message, "m", None, now, now + 1e6)
    await store.create(head, "title")
    parts = list(encode_batches(0, [Start(turn_id=turn, conversation_id=conversation, model="m"), *answer, END]))
    for slot, (data, _) in enumerate(parts):
        await store.append(head, Batch(slot, data, "p", now, final=slot + 1 == len(parts)))
    return turn


END = End(status=Status.COMPLETED)


async def fill(store: SQLiteStore, turns: int, message: str, answer: str) -> tuple[str, str]:
    """Creates a conversation in which each turn follows the one before.

    Returns its id and its newest turn's.
    """
    conversation, parent = new_id(), None
    for _ in range(turns):
        parent = await add_turn(store, conversation, parent, message, Text(delta=answer))
    assert parent
    return conversation, parent


class Other:
    """Another client, and its longest wait."""

    def __init__(self, chat: Turns, store: SQLiteStore) -> None:
        self.longest = 0.0
        self._chat = chat
        self._store = store

    async def run(self) -> None:
        now = time.time()
        head = TurnHead(new_id(), ME.owner, "p", new_id(), None, "Hi", "m", None, now, now + 1e6)
        await self._store.create(head, "title")
        batch = Batch(0, encode(0, [Text(delta="a")]), "p", now)
        while True:
            began = time.perf_counter()
            await self._chat.read(ME, head.turn_id)
            await self._store.append(head, batch)  # the same slot again, so that the log stays short
            self.longest = max(self.longest, time.perf_counter() - began)
            await asyncio.sleep(0.001)


async def longest_wait(chat: Turns, store: SQLiteStore, request: Callable[[], Awaitable[object]]) -> float:
    """Returns the other client's longest wait during the request, in ms."""
    other = Other(chat, store)
    task = asyncio.create_task(other.run())
    await asyncio.sleep(0.2)
    await request()
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait({task})
    return other.longest * 1e3


async def drained(pieces: AsyncGenerator[Any]) -> None:
    async for _ in pieces:
        pass


async def waits(directory: Path) -> dict[str, float]:
    store = SQLiteStore(directory / "waits.db")
    chat = Turns(Settings(_env_file=None), cast("Upstream", AtOnce()), store, lambda _: None)
    conversations = Conversations(chat, store)
    short, newest_short = await fill(store, TURNS, "Hi", "Hello")
    long, newest_long = await fill(store, TURNS, "q" * 4_000, "a" * 16_000)
    answer = await add_turn(store, new_id(), None, "Hi", *(Text(delta="word ") for _ in range(TOKENS)))

    def question(conversation: str, parent: str) -> Callable[[], Awaitable[object]]:
        async def ask() -> None:
            request = ChatRequest(
                message="Hi", conversation_id=uuid.UUID(conversation), parent_turn_id=uuid.UUID(parent)
            )
            opened = await chat.begin(ME, request)
            await drained(opened.events())
            await opened.wait_stored()

        return ask

    async def replay() -> None:
        await drained((await chat.join(ME, answer)).events())

    requests: dict[str, Callable[[], Awaitable[object]]] = {
        f"question after {TURNS} short turns": question(short, newest_short),
        f"question after {TURNS} long turns": question(long, newest_long),
        f"read of {TURNS} short turns": lambda: drained(conversations.read(ME, short)),
        f"read of {TURNS} long turns": lambda: drained(conversations.read(ME, long)),
        f"read of an answer of {TOKENS} tokens": lambda: chat.read(ME, answer),
        f"replay of an answer of {TOKENS} tokens": replay,
        f"deletion of {TURNS} short turns": lambda: conversations.delete(ME, short),
        f"deletion of {TURNS} long turns": lambda: conversations.delete(ME, long),
    }
    found = {name: await longest_wait(chat, store, request) for name, request in requests.items()}
    await store.close()
    return found


async def export(directory: Path) -> dict[str, float]:
    """Returns the MB sent, and the MB by which the memory of this process grows."""
    store = SQLiteStore(directory / "export.db")
    chat = Turns(Settings(_env_file=None), cast("Upstream", AtOnce()), store, lambda _: None)
    conversation = json.loads((directory / "export.json").read_text())
    before, sent = peak_memory(), 0
    async for piece in Conversations(chat, store).read(ME, conversation):
        sent += len(piece)
    grown = peak_memory() - before
    await store.close()
    return {"sent": sent / 1e6, "grown": grown}


def peak_memory() -> float:
    """Returns the MB of this process (Linux)."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1e3


async def prepare(directory: Path) -> dict[str, float]:
    store = SQLiteStore(directory / "export.db")
    conversation, _ = await fill(store, LARGEST_TURNS, LARGEST, "a" * 16_000)
    (directory / "export.json").write_text(json.dumps(conversation))
    await store.close()
    return {}


PARTS = {"waits": waits, "prepare": prepare, "export": export}


def run(part: str, directory: str) -> dict[str, float]:
    """Returns the part's figures from a separate process, so
    that memory is measured alone.
    """
    command = (sys.executable, "-m", "tests.bench.conversations", part, directory)
    figures: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return figures


def verdict(found: float, limit: float) -> str:
    return "yes" if found <= limit else "NO"


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        print(f"The longest wait of another client, ms (at most {MAX_WAIT:g})")
        for name, found in run("waits", directory).items():
            print(f"  {name:40}{found:8.1f}  {verdict(found, MAX_WAIT)}")
        run("prepare", directory)
        figures = run("export", directory)
    print(f"Export of the {LARGEST_TURNS} largest turns, MB (memory at most {MAX_MEMORY:g})")
    print(f"  {figures['sent']:.0f} sent, {figures['grown']:.0f} more memory  {verdict(figures['grown'], MAX_MEMORY)}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(asyncio.run(PARTS[sys.argv[1]](Path(sys.argv[2])))))
    else:
        main()
