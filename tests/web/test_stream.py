"""From a response to the events of a turn: exactly one `end`, whatever arrives. The `fetch` here is the test's own."""

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


def test_the_message_is_posted_once_as_json_to_a_relative_address(modules: Modules) -> None:
    [sent] = run(modules, ANSWER)["sent"]
    assert (sent["method"], sent["url"], sent["signalled"]) == ("POST", "api/chat/stream", True)
    assert sent["headers"] == {"content-type": "application/json", "accept": "text/event-stream"}
    assert json.loads(sent["body"]) == {"message": "hi"}


def test_the_events_come_in_order(modules: Modules) -> None:
    assert events(modules, ANSWER) == [START, TEXT, END]


def test_it_does_not_matter_at_which_byte_the_stream_is_cut(modules: Modules) -> None:
    cuts = [events(modules, ANSWER[:at], ANSWER[at:]) for at in range(len(ANSWER) + 1)]
    assert cuts == [[START, TEXT, END]] * len(cuts)


def test_it_does_not_matter_if_every_byte_comes_by_itself(modules: Modules) -> None:
    assert events(modules, *(bytes([byte]) for byte in ANSWER)) == [START, TEXT, END]


def test_an_event_of_an_unknown_kind_is_passed_over(modules: Modules) -> None:
    assert events(modules, frame(START), b"event: weather\ndata: no json\n\n", frame(END)) == [START, END]


def test_after_the_end_the_connection_is_let_go(modules: Modules) -> None:
    result = run(modules, frame(END) + frame(TEXT), frame(END))
    assert (result["events"], result["cancelled"]) == ([END], True)


@pytest.mark.parametrize("failure", [None, "while reading"])
def test_a_stream_without_an_end_is_cut(modules: Modules, failure: str | None) -> None:
    chunks = frame(START), frame(TEXT), b"event: end\ndata: {}\n"
    assert events(modules, *chunks, failure=failure) == [START, TEXT, {"type": "end", "status": "cut"}]


@pytest.mark.parametrize("data", ['{"delta": "a"', "null", "[]", '"a"', "7", "{}", '{"delta": null}', '{"delta": 7}'])
def test_an_event_that_is_not_what_its_name_promises_ends_the_turn_as_garbled(modules: Modules, data: str) -> None:
    chunks = frame(START), f"event: text\ndata: {data}\n\n".encode(), frame(END)
    assert events(modules, *chunks) == [START, {"type": "end", "status": "garbled"}]


@pytest.mark.parametrize("content_type", ["text/html", "application/json", "text/event-streams", ""])
def test_a_success_that_is_no_event_stream_is_garbled(modules: Modules, content_type: str) -> None:
    headers = {"content-type": content_type}
    assert events(modules, ANSWER, headers=headers) == [{"type": "end", "status": "garbled"}]


def test_a_request_that_fails_is_unreachable(modules: Modules) -> None:
    assert events(modules, failure="before the response") == [{"type": "end", "status": "unreachable"}]


@pytest.mark.parametrize(("when", "before"), [("before the response", []), ("while reading", [START, TEXT])])
def test_an_abort_ends_the_turn_as_stopped(modules: Modules, when: str, before: list[dict[str, Any]]) -> None:
    stopped = {"type": "end", "status": "stopped", "reason": "page"}
    assert events(modules, frame(START), frame(TEXT), abort=when) == [*before, stopped]


def test_a_problem_rejects_the_message(modules: Modules) -> None:
    problem = {"type": "urn:x", "detail": "Too fast.", "retry_after": 7, "request_id": "r-1", "code": "rate_limited"}
    [end] = events(modules, json.dumps(problem).encode(), status=429, headers={})
    assert (end["type"], end["status"]) == ("end", "rejected")
    assert end["error"] == {"detail": "Too fast.", "retry_after": 7, "request_id": "r-1"}


@pytest.mark.parametrize(
    ("status", "body", "detail"),
    [
        (502, b"<html>Bad gateway</html>", "The server failed. Its log says why."),
        (429, b'{"message": "Too Many Requests"}', "The server has too much to do at the moment."),
        (503, b"", "The server is not available at the moment."),
        (500, b"null", "The server answered with status 500."),
        (418, b'{"detail": [{"msg": "no text"}]}', "The server answered with status 418."),
    ],
)
def test_an_error_that_is_no_problem_is_told_by_its_status(
    modules: Modules, status: int, body: bytes, detail: str
) -> None:
    [end] = events(modules, body, status=status, headers={})
    assert end["error"] == {"detail": detail, "retry_after": None, "request_id": None}


@pytest.mark.parametrize(("header", "seconds"), [("30", 30), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("-1", None)])
def test_without_a_problem_the_wait_comes_from_the_header_where_it_is_in_seconds(
    modules: Modules, header: str, seconds: int | None
) -> None:
    [end] = events(modules, b"", status=503, headers={"retry-after": header})
    assert end["error"]["retry_after"] == seconds
