"""The SSE response: at once, alive while nothing comes, and closed when nobody listens."""

import asyncio
import json
from collections.abc import AsyncGenerator

import httpx2
from starlette.types import Message

from app.chat.sse import Decoder
from app.routes.streaming import EventStream
from infra.standin.plays import play
from infra.standin.server import StandIn


async def test_the_first_text_arrives_while_the_upstream_holds_back_the_second(
    client: httpx2.AsyncClient, standin: StandIn
) -> None:
    message = play({"created": True}, {"text": "first"}, {"gate": "g"}, {"text": "second"}, {"completed": {}})
    seen: list[str] = []
    decoder = Decoder()
    async with client.stream("POST", "/api/chat/stream", json={"message": message}) as response:
        async for chunk in response.aiter_bytes():
            seen += [json.loads(data)["delta"] for name, data in decoder.feed(chunk) if name == b"text"]
            if seen == ["first"]:
                standin.open_gate("g")
    assert seen == ["first", "second"]


async def test_a_client_that_leaves_changes_nothing(client: httpx2.AsyncClient, standin: StandIn) -> None:
    message = play({"created": True}, {"text": "a"}, {"gate": "g"}, {"text": "b"}, {"completed": {}})
    async with client.stream("POST", "/api/chat/stream", json={"message": message}) as response:
        turn_id = json.loads(Decoder().feed(await anext(response.aiter_bytes()))[0].data)["turn_id"]
    standin.open_gate("g")
    assert (await standin.ended()).state == "finished"
    rest = await client.get(f"/api/turns/{turn_id}/stream")
    assert [name for name, _ in Decoder().feed(rest.content)] == [b"start", b"text", b"text", b"end"]


class Client:
    """An ASGI server's side of one response. `arrived` is set when a message has come that `expect`s it."""

    def __init__(self, expect: bytes) -> None:
        self.body = b""
        self.arrived = asyncio.Event()
        self._expect = expect

    async def send(self, message: Message) -> None:
        self.body += message.get("body", b"")
        if self._expect in self.body:
            self.arrived.set()

    async def receive(self) -> Message:
        await asyncio.Event().wait()
        raise AssertionError


async def test_silence_is_filled_with_comments() -> None:
    client = Client(expect=b": still here\n\n: still here\n\n")

    async def frames() -> AsyncGenerator[bytes]:
        yield b"data: a\n\n"
        await client.arrived.wait()
        yield b"data: b\n\n"

    scope = {"type": "http", "asgi": {"spec_version": "2.4"}}
    await EventStream(frames(), heartbeat=0.01)(scope, client.receive, client.send)
    assert [data for _, data in Decoder().feed(client.body)] == [b"a", b"b"]
