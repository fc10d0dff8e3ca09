"""The API's two chat routes over a socket: events, failures
of OpenAI, and refused requests.
"""

import json
import time
from typing import Any

import httpx2
import pytest

from app.sse import Decoder
from infra.standin.language import script
from infra.standin.server import StandIn

CREATED = {"created": True}
SECRETS = "sk-proj-123 my prompt"  # OpenAI's error messages may repeat it


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return {"event": {"type": kind, **fields}}


def refused(status: int, code: str | None = None, **more: Any) -> str:
    error = {"message": SECRETS, "type": "invalid_request_error", "param": None, "code": code}
    return script({"status": status, "body": {"error": error}, **more})


async def stream(client: httpx2.AsyncClient, message: str) -> list[tuple[str, dict[str, Any]]]:
    response = await client.post("/api/chat/stream", json={"message": message})
    assert response.status_code == 200, response.text
    return [(event.decode(), json.loads(data)) for event, data in Decoder().feed(response.content)]


async def problem(client: httpx2.AsyncClient, message: str, path: str = "/api/chat/stream") -> dict[str, Any]:
    response = await client.post(path, json={"message": message})
    assert response.headers["content-type"] == "application/problem+json"
    assert SECRETS not in response.text
    details: dict[str, Any] = response.json()
    assert details["status"] == response.status_code
    assert details["request_id"] == response.headers["x-request-id"]
    return details


async def test_stream_has_start_text_and_end(client: httpx2.AsyncClient) -> None:
    events = await stream(client, script(CREATED, {"text": "Hel"}, {"text": "lo\n\n"}, {"completed": {}}))
    assert [name for name, _ in events] == ["start", "text", "text", "end"]
    assert "".join(data["delta"] for name, data in events if name == "text") == "Hello\n\n"
    assert (events[0][1]["model"], events[-1][1]["status"]) == ("gpt-4o-mini", "completed")


async def test_frame_numbers_have_no_gap(client: httpx2.AsyncClient) -> None:
    response = await client.post(
        "/api/chat/stream", json={"message": script(CREATED, {"text": "a"}, {"completed": {}})}
    )
    ids = [line for line in response.text.splitlines() if line.startswith("id: ")]
    turn_id = json.loads(Decoder().feed(response.content)[0].data)["turn_id"]
    assert ids == [f"id: {turn_id}:{seq}" for seq in range(3)]
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"


async def test_whole_answer_equals_collected_stream(client: httpx2.AsyncClient) -> None:
    usage = {"input_tokens": 5, "output_tokens": 7}
    message = script(CREATED, {"text": "a"}, {"text": "b"}, {"completed": {"usage": usage}})
    turn = (await client.post("/api/chat", json={"message": message})).json()
    assert (turn["text"], turn["status"], turn["usage"]["output_tokens"]) == ("ab", "completed", 7)


async def test_upstream_request_follows_settings(client: httpx2.AsyncClient, standin: StandIn) -> None:
    await client.post("/api/chat", json={"message": "Hi", "instructions": "Be brief."})
    (request,) = standin.requests()
    assert request.token == "sk-test"
    assert request.body == {
        "model": "gpt-4o-mini",
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}],
        "instructions": "Be brief.",
        "max_output_tokens": 4096,
        "store": False,
        "stream": True,
    }


RAW = {
    "a chunk edge inside a character": ({"split": 1}, {"text": "grün 🌊"}),
    "keepalive, unknown events and comments": (
        {"raw": ": ping\n\n"},
        event("keepalive"),
        event("response.new_thing.delta", delta="?"),
        {"text": "grün 🌊"},
    ),
    "carriage returns": (
        {"raw": 'event: x\r\ndata: {"type":"response.output_text.delta",\r\ndata: "delta":"grün 🌊"}\r\n\r\n'},
    ),
    "a type only in the event name": ({"raw": 'event: response.output_text.delta\ndata: {"delta":"grün 🌊"}\n\n'},),
    "a separator that ends no line": ({"text": "grün"}, {"raw": ": \u2028 \n"}, {"text": " 🌊"}),
}


@pytest.mark.parametrize("steps", RAW.values(), ids=RAW)
async def test_text_survives_unchanged(client: httpx2.AsyncClient, steps: tuple[dict[str, Any], ...]) -> None:
    events = await stream(client, script(CREATED, *steps, {"raw": "data: [DONE]\n\n"}, {"completed": {}}))
    assert "".join(data["delta"] for name, data in events if name == "text") == "grün 🌊"
    assert events[-1][1]["status"] == "completed"


FAILED = event("response.failed", response={"error": {"code": "server_error", "message": SECRETS}})
LIMITED = event("error", error={"code": "rate_limit_exceeded", "message": SECRETS})
ENDS = {
    "failed": ([FAILED], "failed", "upstream_failed"),
    "flat error": ([event("error", code="server_error", message=SECRETS, param=None)], "failed", "upstream_failed"),
    "nested error": ([LIMITED], "failed", "rate_limited"),
    "end of stream without an end": ([], "failed", "upstream_cut"),
    "dropped socket": ([{"cut": True}], "failed", "upstream_cut"),
    "malformed JSON": ([{"raw": "data: {oops\n\n"}], "failed", "upstream_failed"),
    "JSON that is no object": ([{"raw": "data: [7]\n\n"}], "failed", "upstream_failed"),
    "bytes that are no UTF-8": ([{"base64": "ZGF0YToge/99Cgo="}], "failed", "upstream_failed"),
    "incomplete": (
        [event("response.incomplete", response={"incomplete_details": {"reason": "max_output_tokens"}})],
        "incomplete",
        "max_output_tokens",
    ),
    "content filter": (
        [event("response.incomplete", response={"incomplete_details": {"reason": "content_filter"}})],
        "incomplete",
        "content_filter",
    ),
    "refusal": ([event("response.refusal.delta", delta="No."), {"completed": {}}], "refused", None),
}


@pytest.mark.parametrize(("steps", "status", "reason"), ENDS.values(), ids=ENDS)
async def test_end_status_follows_upstream(
    client: httpx2.AsyncClient, steps: list[dict[str, Any]], status: str, reason: str | None
) -> None:
    response = await client.post("/api/chat/stream", json={"message": script(CREATED, {"text": "a"}, *steps)})
    events = [(name.decode(), json.loads(data)) for name, data in Decoder().feed(response.content)]
    assert SECRETS not in response.text
    assert [name for name, _ in events].count("end") == 1
    assert events[1] == ("text", {"delta": "a"})
    name, end = events[-1]
    assert (name, end["status"], end["reason"]) == ("end", status, reason)
    assert (end["error"] is not None) == (status == "failed")


BEFORE = {
    "prompt": (refused(400, "context_length_exceeded"), 400, "prompt_rejected"),
    "key": (refused(401, "invalid_api_key"), 502, "upstream_unauthorized"),
    "forbidden": (refused(403), 502, "upstream_unauthorized"),
    "model": (refused(404, "model_not_found"), 502, "upstream_misconfigured"),
    "conflict": (refused(409), 502, "upstream_failed"),
    "rate": (refused(429, "rate_limit_exceeded"), 429, "rate_limited"),
    "quota": (refused(429, "insufficient_quota"), 503, "quota_exhausted"),
    "server error": (refused(500), 502, "upstream_failed"),
    "overloaded": (refused(503), 502, "upstream_failed"),
    "no JSON": (script({"status": 502, "body": f"<html>{SECRETS}"}), 502, "upstream_failed"),
    "failed at once": (script(FAILED), 502, "upstream_failed"),
    "error at once": (script(LIMITED), 429, "rate_limited"),
    "nothing at all": (script({"raw": ""}), 502, "upstream_cut"),
    "cut at once": (script({"raw": ""}, {"cut": True}), 502, "upstream_cut"),
    "garbage at once": (script({"raw": "data: {\n\n"}), 502, "upstream_failed"),
}


@pytest.mark.parametrize("path", ["/api/chat", "/api/chat/stream"])
@pytest.mark.parametrize(("message", "status", "code"), BEFORE.values(), ids=BEFORE)
async def test_failure_before_first_byte_has_status(
    client: httpx2.AsyncClient, message: str, status: int, code: str, path: str
) -> None:
    details = await problem(client, message, path)
    assert (details["status"], details["code"]) == (status, code)


async def test_failure_of_whole_answer_has_status(client: httpx2.AsyncClient) -> None:
    assert (await problem(client, script(CREATED, {"text": "a"}, {"cut": True}), "/api/chat"))["status"] == 502


async def test_rate_limit_keeps_retry_after(client: httpx2.AsyncClient) -> None:
    response = await client.post("/api/chat", json={"message": refused(429, headers={"retry-after": "7"})})
    assert (response.headers["retry-after"], response.json()["retry_after"]) == ("7", 7)
    response = await client.post("/api/chat", json={"message": refused(429)})
    assert "retry-after" not in response.headers


BAD = {
    "no message": ({}, "message"),
    "empty": ({"message": ""}, "message"),
    "blank": ({"message": " \n\t"}, "message"),
    "blank by Unicode": ({"message": "\u00a0\u2003\u3000\u0085\ufeff"}, "message"),
    "blank separators": ({"message": "\x1c\x1d\x1e\x1f"}, "message"),
    "too long": ({"message": "x" * 32_001}, "message"),
    "instructions too long": ({"message": "x", "instructions": "x" * 32_001}, "instructions"),
    "number": ({"message": 7}, "message"),
    "null": ({"message": None}, "message"),
    "half a surrogate pair": ({"message": "\ud800"}, "message"),
    "unknown model": ({"message": "x", "model": "gpt-from-nowhere"}, "model"),
    "unknown field": ({"message": "x", "temperature": 2}, "temperature"),
    "list": ([], "body"),
    "string": ("x", "body"),
}


@pytest.mark.parametrize("path", ["/api/chat", "/api/chat/stream"])
@pytest.mark.parametrize(("body", "field"), BAD.values(), ids=BAD)
async def test_invalid_field_is_named_and_nothing_asked(
    client: httpx2.AsyncClient, standin: StandIn, body: object, field: str, path: str
) -> None:
    content = json.dumps(body)  # the client does not encode half a surrogate pair
    response = await client.post(path, content=content, headers={"content-type": "application/json"})
    details = response.json()
    assert (response.status_code, details["code"]) == (422, "invalid_request")
    assert [error["field"] for error in details["errors"]] == [field]
    assert details["detail"].startswith(field)
    assert standin.requests() == []


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        ("{oops", {"content-type": "application/json"}, 400, "bad_request"),
        ("", {"content-type": "application/json"}, 422, "invalid_request"),
        ('{"message": "x"}', {"content-type": "text/plain"}, 422, "invalid_request"),
        ("\x00" * 1_048_577, {"content-type": "application/json"}, 413, "body_too_large"),
        (
            "\x00" * 1_048_577,
            {"content-type": "application/json", "transfer-encoding": "chunked"},
            413,
            "body_too_large",
        ),
    ],
    ids=["no JSON", "empty", "not said to be JSON", "too large by its length", "too large by what comes"],
)
async def test_invalid_body_is_problem(
    client: httpx2.AsyncClient, standin: StandIn, body: str, headers: dict[str, str], status: int, code: str
) -> None:
    response = await client.post("/api/chat", content=body, headers=headers)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"
    assert standin.requests() == []


@pytest.mark.parametrize(
    "unknown",
    [
        {format(number, "x"): 0 for number in range(85_000)},
        {"k" * 900_000: 1},
        {f"{number}{'k' * 80_000}": 1 for number in range(12)},
        {"\U0001f30a" * 70_000: "secret"},
    ],
    ids=["many", "long", "many and long", "wide"],
)
async def test_a_problem_is_small_however_large_its_request(
    client: httpx2.AsyncClient, standin: StandIn, unknown: dict[str, Any]
) -> None:
    """The answer has one list of ten names of 100 characters, twice."""
    response = await client.post("/api/chat", json={"message": "x"} | unknown)
    details = response.json()
    assert (response.status_code, details["code"]) == (422, "invalid_request")
    assert 1 <= len(details["errors"]) <= 10
    assert max(len(error["field"]) for error in details["errors"]) <= 100
    assert len(response.content) < 10_000
    assert standin.requests() == []


async def test_errors_of_known_fields_come_first(client: httpx2.AsyncClient) -> None:
    body = {format(number, "x"): 0 for number in range(1000)} | {"turn_id": "x"}
    errors = (await client.post("/api/chat", json=body)).json()["errors"]
    assert len(errors) == 10
    assert [error["field"] for error in errors[:2]] == ["message", "turn_id"]


async def test_many_unknown_fields_are_refused_quickly(client: httpx2.AsyncClient) -> None:
    body = json.dumps({format(number, "x"): 0 for number in range(85_000)}).encode()
    headers = {"content-type": "application/json"}
    durations = []
    for _ in range(3):  # the fastest counts: the machine may be busy
        began = time.monotonic()
        await client.post("/api/chat", content=body, headers=headers)
        durations.append(time.monotonic() - began)
    assert min(durations) < 0.5


@pytest.mark.parametrize("content", ["[" * 500_000, '{"message": ' + "9" * 100_000 + "}", b'{"message": "\xff"}'])
async def test_json_that_cannot_be_read_is_bad_request(
    client: httpx2.AsyncClient, standin: StandIn, content: str | bytes
) -> None:
    response = await client.post("/api/chat", content=content, headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (400, "bad_request")
    assert standin.requests() == []


async def test_wrong_method_and_path_are_problems(client: httpx2.AsyncClient) -> None:
    wrong_method = await client.get("/api/chat")
    assert (wrong_method.status_code, wrong_method.json()["code"]) == (405, "method_not_allowed")
    assert wrong_method.headers["allow"] == "POST"
    assert (await client.get("/api/nothing")).json()["code"] == "not_found"
