"""The tutorial's routes: exactly its shapes, without its faults."""

import re
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import sse
from app.routes.compat import LineBreaks
from app.sse import Decoder
from infra.standin.language import script
from infra.standin.server import StandIn

CREATED = {"created": True}
REFUSAL = {"event": {"type": "response.refusal.delta", "delta": "I won't."}}
INCOMPLETE = {
    "event": {"type": "response.incomplete", "response": {"incomplete_details": {"reason": "content_filter"}}}
}


async def complete(client: httpx2.AsyncClient, *steps: dict[str, Any]) -> httpx2.Response:
    return await client.get("/chat-complete", params={"message": script(CREATED, *steps)})


async def stream(client: httpx2.AsyncClient, *steps: dict[str, Any]) -> list[tuple[str, str]]:
    response = await client.get("/chat-stream", params={"message": script(CREATED, *steps)})
    assert response.headers["content-type"].startswith("text/event-stream")
    return [(event.decode(), data.decode()) for event, data in Decoder().feed(response.content)]


async def test_complete_answer_is_text_under_data(client: httpx2.AsyncClient) -> None:
    response = await complete(client, {"text": "Hel"}, {"text": "lo"}, {"completed": {}})
    assert (response.status_code, response.json()) == (200, {"data": "Hello"})


async def test_stream_is_start_deltas_and_end(client: httpx2.AsyncClient) -> None:
    assert await stream(client, {"text": "Hel"}, {"text": "lo"}, {"completed": {}}) == [
        ("start", "[START]"),
        ("message", "Hel"),
        ("message", "lo"),
        ("end", "[END]"),
    ]


async def test_line_breaks_and_leading_spaces_survive(client: httpx2.AsyncClient) -> None:
    text = ["# A\n", "\n", " - b\n  ", "c\r\nd"]
    events = await stream(client, *({"text": delta} for delta in text), {"completed": {}})
    assert "".join(data for name, data in events if name == "message") == "# A\n\n - b\n  c\nd"


SPLITS = {
    "between CR and LF": ["a\r", "\nb"],
    "CR alone": ["a", "\r", "\nb"],
    "LF alone": ["a\r", "\n", "b"],
    "both alone": ["a", "\r", "\n", "b"],
}


@pytest.mark.parametrize("deltas", SPLITS.values(), ids=SPLITS)
async def test_a_line_break_split_over_deltas_stays_one(client: httpx2.AsyncClient, deltas: list[str]) -> None:
    events = await stream(client, *({"text": delta} for delta in deltas), {"completed": {}})
    assert "".join(data for name, data in events if name == "message") == "a\nb"


def joined(deltas: list[str], first: int = 0) -> str:
    """Returns the text of a client that gets the frames of
    these deltas from number `first` on.
    """
    lines = LineBreaks()
    primed = [lines.unify(delta) for delta in deltas[max(0, first - 1) :]]
    frames = b"".join(sse.encode(text) for text in primed[min(first, 1) :] if text)
    return "".join(data.decode() for _, data in Decoder().feed(frames))


@given(st.lists(st.text(alphabet="\r\na ", min_size=1)))
def test_line_breaks_do_not_depend_on_the_deltas(deltas: list[str]) -> None:
    whole = joined(["".join(deltas)])
    assert joined(deltas) == whole
    for first in range(len(deltas)):
        assert "".join(joined(deltas[:first])) + joined(deltas, first) == whole


async def test_a_split_line_break_stays_one_on_resume(client: httpx2.AsyncClient) -> None:
    message = script(CREATED, {"text": "a\r"}, {"text": "\nb"}, {"completed": {}})
    response = await client.get("/chat-stream", params={"message": message})
    (event_id,) = re.findall(r"id: (.*)\ndata: a\n", response.text)
    rest = await client.get("/chat-stream", params={"message": message}, headers={"last-event-id": event_id})
    assert [data for name, data in Decoder().feed(rest.content) if name == b"message"] == [b"b"]


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([INCOMPLETE], '"status":"incomplete","reason":"content_filter"'),
        ([{"cut": True}], '"code":"upstream_cut"'),
        ([{"event": {"type": "response.failed", "response": {}}}], '"code":"upstream_failed"'),
        ([], '"code":"upstream_cut"'),
        ([REFUSAL, {"completed": {}}], '"status":"refused"'),
    ],
    ids=["incomplete", "cut", "failed", "no end", "refused"],
)
async def test_incomplete_answer_ends_as_incomplete(
    client: httpx2.AsyncClient, steps: list[dict[str, Any]], said: str
) -> None:
    name, data = (await stream(client, {"text": "a"}, *steps))[-1]
    assert name == "end"  # an EventSource that closes on `end` does not reconnect, which would cost again
    assert data != "[END]"
    assert said in data


async def test_refusal_is_text_in_both_routes(client: httpx2.AsyncClient) -> None:
    assert ("message", "I won't.") in await stream(client, REFUSAL, {"completed": {}})
    answer = (await complete(client, REFUSAL, {"completed": {}})).json()
    assert answer == {"data": "I won't.", "status": "refused", "reason": ""}


async def test_incomplete_whole_answer_has_status(client: httpx2.AsyncClient) -> None:
    answer = (await complete(client, {"text": "a"}, INCOMPLETE)).json()
    assert answer == {"data": "a", "status": "incomplete", "reason": "content_filter"}


async def test_failed_whole_answer_is_problem(client: httpx2.AsyncClient) -> None:
    assert (await complete(client, {"text": "a"}, {"cut": True})).status_code == 502


@pytest.mark.parametrize("path", ["/chat-complete", "/chat-stream"])
async def test_upstream_error_hides_text_and_key(client: httpx2.AsyncClient, path: str) -> None:
    error = {"message": "Rate limit for sk-proj-123", "code": "rate_limit_exceeded"}
    message = script({"status": 429, "headers": {"retry-after": "3"}, "body": {"error": error}})
    response = await client.get(path, params={"message": message})
    assert (response.status_code, response.headers["retry-after"]) == (429, "3")
    assert "sk-proj" not in response.text


@pytest.mark.parametrize("path", ["/chat-complete", "/chat-stream"])
@pytest.mark.parametrize("query", ["", "?message=", "?message=%20%0A", "?message=" + "x" * 32_001])
async def test_invalid_message_is_refused(client: httpx2.AsyncClient, standin: StandIn, path: str, query: str) -> None:
    response = await client.get(path + query)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "message"
    assert standin.requests() == []
