"""A client: it asks and reads, and reads streams in the background until they end."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, NamedTuple, Self

import httpx2

PATIENCE = 60.0  # seconds until a wait fails its test
STOPPED_WITHIN = 1.0 + 1.5  # seconds; the latter for a busy machine
JSON = dict[str, Any]
Frame = tuple[int, str, str]  # number, name, data


class Sent(NamedTuple):
    """An event, and its time of arrival in seconds since the epoch."""

    seq: int
    name: str
    data: str
    event_id: str
    at: float


class Listener:
    """The events of one stream so far."""

    def __init__(self, response: httpx2.Response) -> None:
        self.sent: list[Sent] = []
        self._response = response
        self._is_over = False
        self._more = asyncio.Event()

    async def listen(self) -> None:
        try:
            with suppress(httpx2.TransportError):  # the server has ended
                async for sent in decoded(self._response):
                    self.sent.append(sent)
                    self._wake()
        finally:
            self._is_over = True
            self._wake()

    async def until(self, condition: Callable[[Self], bool]) -> None:
        """Waits until the condition holds. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE):
            while not condition(self):
                assert not self._is_over, f"the stream is over: {self.sent}"
                await self._more.wait()

    async def until_text(self, text: str) -> None:
        await self.until(lambda self: self.text == text)

    async def until_over(self) -> None:
        """Waits until the stream has ended or was cut off."""
        async with asyncio.timeout(PATIENCE):
            while not self._is_over:
                await self._more.wait()

    @property
    def frames(self) -> list[Frame]:
        return [sent[:3] for sent in self.sent]

    @property
    def last_event_id(self) -> str:
        """The header that a browser sends to reconnect."""
        return self.sent[-1].event_id

    @property
    def text(self) -> str:
        return "".join(json.loads(sent.data)["delta"] for sent in self.sent if sent.name == "text")

    @property
    def end(self) -> JSON | None:
        """The last event if it is the end, else None."""
        ends: list[JSON] = [json.loads(sent.data) for sent in self.sent[-1:] if sent.name == "end"]
        return ends[0] if ends else None

    def _wake(self) -> None:
        self._more.set()
        self._more = asyncio.Event()


async def decoded(response: httpx2.Response) -> AsyncGenerator[Sent]:
    """Returns the events of a stream whose lines end with
    LF, with one line of data each.
    """
    pending = b""
    async for chunk in response.aiter_bytes():
        *frames, pending = (pending + chunk).split(b"\n\n")
        for frame in frames:
            fields = dict(line.split(": ", 1) for line in frame.decode().split("\n"))
            if "data" in fields:
                event_id = fields["id"]
                seq = int(event_id.rpartition(":")[2])
                yield Sent(seq, fields.get("event", "message"), fields["data"], event_id, time.time())


def question(message: str, **more: Any) -> JSON:
    """Returns a request with a new turn id."""
    return {"message": message, "turn_id": str(uuid.uuid4()), **more}


def pouring(texts: Iterable[str], seconds: float) -> list[JSON]:
    """Returns the steps of a script with these texts, `every` seconds apart."""
    return [step for text in texts for step in ({"text": text}, {"delay": seconds})]


@asynccontextmanager
async def listening(client: httpx2.AsyncClient, method: str, path: str, **request: Any) -> AsyncIterator[Listener]:
    """Reads a stream in a block, and closes its connection at the end."""
    async with client.stream(method, path, **request) as response:
        assert response.status_code == 200, await response.aread()
        listener = Listener(response)
        task = asyncio.create_task(listener.listen())
        try:
            yield listener
        finally:
            task.cancel()
            await asyncio.wait({task})


def asking(client: httpx2.AsyncClient, asked: JSON) -> AbstractAsyncContextManager[Listener]:
    return listening(client, "POST", "/api/chat/stream", json=asked)


def following(client: httpx2.AsyncClient, asked: JSON, after: int = -1) -> AbstractAsyncContextManager[Listener]:
    return listening(client, "GET", f"/api/turns/{asked['turn_id']}/stream", params={"after": after})


async def answer(client: httpx2.AsyncClient, asked: JSON) -> JSON:
    """Waits for the end of the turn, and returns it."""
    response = await client.post("/api/chat", json=asked)
    assert response.status_code == 200, response.text
    turn: JSON = response.json()
    return turn


async def read(client: httpx2.AsyncClient, asked: JSON) -> JSON:
    """Returns the turn so far."""
    response = await client.get(f"/api/turns/{asked['turn_id']}")
    assert response.status_code == 200, response.text
    turn: JSON = response.json()
    return turn


async def read_until(client: httpx2.AsyncClient, asked: JSON, condition: Callable[[JSON], bool]) -> JSON:
    """Waits until the condition holds for the turn, and returns it.

    Raises TimeoutError.
    """
    async with asyncio.timeout(PATIENCE):
        while not condition(turn := await read(client, asked)):  # noqa: ASYNC110 - another process sets no Event here
            await asyncio.sleep(0.05)
    return turn


async def read_ended(client: httpx2.AsyncClient, asked: JSON) -> JSON:
    return await read_until(client, asked, lambda turn: turn["status"] != "running")
