"""The SSE response: sent at once, kept alive in silence, closed after a disconnect."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator

import httpx2
import pytest
from starlette.types import Message

from app.main import create_app
from app.routes.streaming import EventStream
from app.sse import Decoder
from infra.standin.language import script
from infra.standin.server import StandIn
from tests.conftest import MakeSettings
from tests.fakes.server import serving


async def test_first_text_arrives_before_second_exists(client: httpx2.AsyncClient, standin: StandIn) -> None:
    message = script({"created": True}, {"text": "first"}, {"gate": "g"}, {"text": "second"}, {"completed": {}})
    seen: list[str] = []
    decoder = Decoder()
    async with client.stream("POST", "/api/chat/stream", json={"message": message}) as response:
        async for chunk in response.aiter_bytes():
            seen += [json.loads(data)["delta"] for name, data in decoder.feed(chunk) if name == b"text"]
            if seen == ["first"]:
                standin.open_gate("g")
    assert seen == ["first", "second"]


@pytest.fixture(scope="module")
def impatient_url(make_settings: MakeSettings) -> Iterator[str]:
    """The app; its streams begin after 50 ms without an answer."""
    with serving(create_app(make_settings(), longest_silence=0.05)) as url:
        yield url


@pytest.fixture
async def impatient(impatient_url: str, standin: StandIn) -> AsyncIterator[httpx2.AsyncClient]:
    del standin
    async with httpx2.AsyncClient(base_url=impatient_url) as client:
        yield client


LATER: list[dict[str, object]] = [{"gate": "late"}, {"status": 429, "headers": {"retry-after": "7"}}]


def asking(client: httpx2.AsyncClient, path: str, message: str) -> httpx2.Request:
    if path.startswith("/api"):
        return client.build_request("POST", path, json={"message": message})
    return client.build_request("GET", path, params={"message": message})


@pytest.mark.parametrize("path", ["/api/chat/stream", "/chat-stream"])
async def test_a_stream_begins_after_a_long_silence(impatient: httpx2.AsyncClient, standin: StandIn, path: str) -> None:
    response = await impatient.send(asking(impatient, path, script(*LATER)), stream=True)
    assert response.status_code == 200
    chunks = response.aiter_bytes()
    assert (await anext(chunks)).startswith(b": still here\n\n")
    standin.open_gate("late")
    name, data = Decoder().feed(b"".join([chunk async for chunk in chunks]))[-1]
    await response.aclose()
    end = json.loads(data)
    assert (name, end["status"], end["error"]["code"]) == (b"end", "failed", "rate_limited")
    assert (end["error"]["status"], end["error"]["retry_after"]) == (429, 7)


@pytest.mark.parametrize("path", ["/api/chat", "/chat-complete"])
async def test_whole_answer_keeps_status_after_long_silence(
    impatient: httpx2.AsyncClient, standin: StandIn, path: str
) -> None:
    asked = asyncio.create_task(impatient.send(asking(impatient, path, script(*LATER))))
    await asyncio.to_thread(standin.wait_received)
    await asyncio.sleep(0.1)  # the silence that is tested
    standin.open_gate("late")
    response = await asked
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")


async def test_an_early_failure_is_a_status(client: httpx2.AsyncClient) -> None:
    for path in ("/api/chat/stream", "/chat-stream"):
        assert (await client.send(asking(client, path, script(LATER[1])))).status_code == 429


async def test_disconnect_keeps_answer(client: httpx2.AsyncClient, standin: StandIn) -> None:
    message = script({"created": True}, {"text": "a"}, {"gate": "g"}, {"text": "b"}, {"completed": {}})
    async with client.stream("POST", "/api/chat/stream", json={"message": message}) as response:
        turn_id = json.loads(Decoder().feed(await anext(response.aiter_bytes()))[0].data)["turn_id"]
    standin.open_gate("g")
    assert (await standin.wait_ended_async()).state == "finished"
    rest = await client.get(f"/api/turns/{turn_id}/stream")
    assert [name for name, _ in Decoder().feed(rest.content)] == [b"start", b"text", b"text", b"end"]


class Client:
    """An ASGI server's side of one response.

    `arrived` is set by the message that `expect` matches.
    """

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


async def test_silence_sends_comments() -> None:
    client = Client(expect=b": still here\n\n: still here\n\n")

    async def frames() -> AsyncGenerator[bytes]:
        yield b"data: a\n\n"
        await client.arrived.wait()
        yield b"data: b\n\n"

    scope = {"type": "http", "asgi": {"spec_version": "2.4"}}
    await EventStream(frames(), heartbeat=0.01)(scope, client.receive, client.send)
    assert [data for _, data in Decoder().feed(client.body)] == [b"a", b"b"]
