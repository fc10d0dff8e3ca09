"""Responses as the events of a turn: exactly one `end` for any response.

`fetch` is the test's.
"""

import json
from typing import Any

import pytest

from tests.web.modules import Modules

STREAM_TURN = """async ({ streamTurn }, { chunks, status, headers, failure, abort }) => {
  const controller = new AbortController();
  const sent = [];
  let cancelled = false;
  const body = new ReadableStream({
    pull(stream) {
      const chunk = chunks.shift();
      if (chunk !== undefined) return stream.enqueue(new Uint8Array(chunk));
      if (abort === "while reading") controller.abort();
      return failure === "while reading" || abort ? stream.error(new TypeError("gone")) : stream.close();
    },
    cancel: () => void (cancelled = true),
  }, { highWaterMark: 0 });
  const fetch = async (url, { signal, ...options }) => {
    sent.push({ url, ...options, signalled: signal === controller.signal });
    if (abort === "before the response") controller.abort();
    if (failure === "before the response" || controller.signal.aborted) throw new TypeError("gone");
    return new Response(body, { status, headers });
  };
  const events = [];
  for await (const event of streamTurn({ message: "hi" }, controller.signal, fetch)) events.push(event);
  return { events, sent, cancelled };
}"""

START = {"type": "start", "model": "m"}
TEXT = {"type": "text", "delta": "Grüße, 流れる \U0001f30a\u2028\n"}
END = {"type": "end", "status": "completed", "reason": None, "usage": None, "error": None}
SSE = {"content-type": "text/event-stream; charset=utf-8"}


def frame(event: dict[str, Any]) -> bytes:
    data = json.dumps({key: value for key, value in event.items() if key != "type"}, ensure_ascii=False)
    return f"event: {event['type']}\ndata: {data}\n\n".encode()


ANSWER = frame(START) + frame(TEXT) + frame(END)


def run(modules: Modules, *chunks: bytes, **changes: Any) -> Any:
    script = {"chunks": [list(chunk) for chunk in chunks], "status": 200, "headers": SSE} | changes
    return modules.call("chat.js", STREAM_TURN, script)


def events(modules: Modules, *chunks: bytes, **changes: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run(modules, *chunks, **changes)["events"]
    return found


def test_message_is_posted_once_as_json(modules: Modules) -> None:
    [sent] = run(modules, ANSWER)["sent"]
    assert (sent["method"], sent["url"], sent["signalled"]) == ("POST", "api/chat/stream", True)
    assert sent["headers"] == {"content-type": "application/json", "accept": "text/event-stream"}
    assert json.loads(sent["body"]) == {"message": "hi"}


def test_events_come_in_order(modules: Modules) -> None:
    assert events(modules, ANSWER) == [START, TEXT, END]


def test_any_byte_cut_gives_same_events(modules: Modules) -> None:
    cuts = [events(modules, ANSWER[:at], ANSWER[at:]) for at in range(len(ANSWER) + 1)]
    assert cuts == [[START, TEXT, END]] * len(cuts)


def test_single_bytes_give_same_events(modules: Modules) -> None:
    assert events(modules, *(bytes([byte]) for byte in ANSWER)) == [START, TEXT, END]


def test_unknown_event_is_ignored(modules: Modules) -> None:
    assert events(modules, frame(START), b"event: weather\ndata: no json\n\n", frame(END)) == [START, END]


def test_end_releases_connection(modules: Modules) -> None:
    result = run(modules, frame(END) + frame(TEXT), frame(END))
    assert (result["events"], result["cancelled"]) == ([END], True)


@pytest.mark.parametrize("failure", [None, "while reading"])
def test_stream_without_end_is_cut(modules: Modules, failure: str | None) -> None:
    chunks = frame(START), frame(TEXT), b"event: end\ndata: {}\n"
    assert events(modules, *chunks, failure=failure) == [START, TEXT, {"type": "end", "status": "cut"}]


@pytest.mark.parametrize("data", ['{"delta": "a"', "null", "[]", '"a"', "7", "{}", '{"delta": null}', '{"delta": 7}'])
def test_malformed_event_ends_as_garbled(modules: Modules, data: str) -> None:
    chunks = frame(START), f"event: text\ndata: {data}\n\n".encode(), frame(END)
    assert events(modules, *chunks) == [START, {"type": "end", "status": "garbled"}]


@pytest.mark.parametrize("content_type", ["text/html", "application/json", "text/event-streams", ""])
def test_success_without_event_stream_is_garbled(modules: Modules, content_type: str) -> None:
    headers = {"content-type": content_type}
    assert events(modules, ANSWER, headers=headers) == [{"type": "end", "status": "garbled"}]


def test_failed_request_is_unreachable(modules: Modules) -> None:
    assert events(modules, failure="before the response") == [{"type": "end", "status": "unreachable"}]


@pytest.mark.parametrize(("when", "before"), [("before the response", []), ("while reading", [START, TEXT])])
def test_abort_ends_as_stopped(modules: Modules, when: str, before: list[dict[str, Any]]) -> None:
    stopped = {"type": "end", "status": "stopped", "reason": "page"}
    assert events(modules, frame(START), frame(TEXT), abort=when) == [*before, stopped]


def test_problem_rejects_message(modules: Modules) -> None:
    problem = {"type": "urn:x", "detail": "Too fast.", "retry_after": 7, "request_id": "r-1", "code": "rate_limited"}
    [end] = events(modules, json.dumps(problem).encode(), status=429, headers={})
    assert (end["type"], end["status"]) == ("end", "rejected")
    assert end["error"] == {"detail": "Too fast.", "retry_after": 7, "request_id": "r-1"}


@pytest.mark.parametrize(
    ("status", "body", "detail"),
    [
        (502, b"<html>Bad gateway</html>", "The server failed. Its log has the cause."),
        (429, b'{"message": "Too Many Requests"}', "The server is busy at the moment."),
        (503, b"", "The server is unavailable at the moment."),
        (500, b"null", "The server answered with status 500."),
        (418, b'{"detail": [{"msg": "no text"}]}', "The server answered with status 418."),
    ],
)
def test_plain_error_is_shown_by_status(modules: Modules, status: int, body: bytes, detail: str) -> None:
    [end] = events(modules, body, status=status, headers={})
    assert end["error"] == {"detail": detail, "retry_after": None, "request_id": None}


@pytest.mark.parametrize(("header", "seconds"), [("30", 30), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None)])
def test_retry_after_header_gives_wait(modules: Modules, header: str, seconds: int | None) -> None:
    [end] = events(modules, b"", status=503, headers={"retry-after": header})
    assert end["error"]["retry_after"] == seconds
