"""Answers of compatible servers over real sockets: all four
routes give the same text.
"""

import base64

import httpx2
import pytest

from app.contract import Text
from app.sse import Decoder
from infra.standin.language import script
from tests.app.upstream.answers import (
    Step,
    at,
    citation,
    delta,
    done,
    encode,
    final,
    message,
    part_done,
    text_part,
)

ANSWERS: dict[str, tuple[list[Step], str]] = {
    "text done only": ([done("Hello"), final()], "Hello"),
    "part done only": ([part_done(text_part("Hello")), final()], "Hello"),
    "final only": ([final(message(text_part("Hello")))], "Hello"),
    "an empty delta first": ([delta(""), final(message(text_part("Hello")))], "Hello"),
    "keep-alives as data": ([delta("Hel"), "data:\n\ndata: : ping\n\n", delta("lo"), final()], "Hello"),
    "half characters": ([delta("Hi \ud83d"), delta("\ude00!\ud83d"), final()], "Hi 😀!\ufffd"),
    "two messages": (
        [delta("One.", **at(0)), delta("Two.", **at(2)), final(message("One."), message("Two."))],
        "One.\n\nTwo.",
    ),
    "odd beside the text": (
        [delta("Hello"), final(message(text_part("Hello", None, citation(None, "x"))), usage={"input_tokens": 0.5})],
        "Hello",
    ),
}


@pytest.mark.parametrize(("steps", "text"), ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("size", [1, 1000], ids=["byte by byte", "whole"])
async def test_every_route_gives_the_text(client: httpx2.AsyncClient, steps: list[Step], text: str, size: int) -> None:
    asked = script({"split": size}, {"base64": base64.b64encode(encode(steps)).decode()})
    turn = (await client.post("/api/chat", json={"message": asked})).json()
    assert (turn["text"], turn["status"], turn["reason"], turn["usage"]) == (text, "completed", None, None)
    api = (await client.post("/api/chat/stream", json={"message": asked})).content
    assert (
        "".join(Text.model_validate_json(data).delta for name, data in Decoder().feed(api) if name == b"text") == text
    )
    assert (await client.get("/chat-complete", params={"message": asked})).json() == {"data": text}
    streamed = Decoder().feed((await client.get("/chat-stream", params={"message": asked})).content)
    assert b"".join(data for name, data in streamed if name == b"message").decode() == text


async def test_leading_untyped_error_has_status(client: httpx2.AsyncClient) -> None:
    asked = script({"raw": 'data: {"error": {"message": "m", "code": "rate_limit_exceeded"}}\n\n'})
    assert (await client.post("/api/chat/stream", json={"message": asked})).status_code == 429


async def test_odd_usage_and_reasons_reach_no_client(client: httpx2.AsyncClient) -> None:
    end = final(event="incomplete", incomplete_details={"reason": "x\nforged"}, usage={"input_tokens": -5})
    asked = script({"base64": base64.b64encode(encode([delta("a"), end])).decode()})
    turn = (await client.post("/api/chat", json={"message": asked})).json()
    assert (turn["status"], turn["reason"], turn["usage"]) == ("incomplete", None, None)
