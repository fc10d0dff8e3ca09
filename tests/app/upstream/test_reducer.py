"""Upstream events, one by one and as whole answers of real servers."""

import pytest

from app.contract import End, Event, Reasoning, Refusal, Status, Text, Tool, Usage
from app.problems import Problem, PromptRejected, RateLimited, UpstreamFailed
from app.upstream.reducer import Reducer
from tests.app.upstream.answers import Json, Step, answer, delta, done, final, message, of_type, summary

USAGE = {
    "input_tokens": 12,
    "input_tokens_details": {"cached_tokens": 3},
    "output_tokens": 30,
    "output_tokens_details": {"reasoning_tokens": 20},
    "total_tokens": 42,
}
COUNTED = Usage(input_tokens=12, cached_tokens=3, output_tokens=30, reasoning_tokens=20)


def reduce(*events: Json) -> list[Event]:
    reducer = Reducer()
    return [seen for event in events for seen in reducer.feed(event)]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (delta("Hi\n"), [Text(delta="Hi\n")]),
        (delta("No.", kind="refusal"), [Refusal(delta="No.")]),
        (delta("Hm", kind="reasoning_summary_text"), [Reasoning(delta="Hm")]),
        (delta("Hm", kind="reasoning_text"), [Reasoning(delta="Hm")]),
        (of_type("response.web_search_call.searching"), [Tool(name="web_search", status="searching")]),
        (of_type("response.mcp_call.failed"), [Tool(name="mcp", status="failed")]),
        (of_type("response.\ud83d_call.failed"), []),
        (of_type("response." + "x" * 100 + "_call.failed"), [Tool(name="x" * 64, status="failed")]),
        (of_type("response.created", response={}), []),
        (of_type("keepalive"), []),
        (of_type("response.from_next_year.delta", delta="?"), []),
        ({"no": "type"}, []),
        ({"type": 7}, []),
        ({"type": ["response.completed"]}, []),
    ],
)
def test_upstream_event_becomes_events(event: Json, expected: list[Event]) -> None:
    assert list(reduce(event)) == expected


ENDS: dict[str, tuple[Json, Status, str | None]] = {
    "completed": (final(status="completed"), Status.COMPLETED, None),
    "completed, no status": (final(), Status.COMPLETED, None),
    "completed, status unknown": (final(status="in_progress"), Status.COMPLETED, None),
    "completed, status odd": (final(status=["failed"]), Status.COMPLETED, None),
    "completed that is incomplete": (
        final(status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
        Status.INCOMPLETE,
        "max_output_tokens",
    ),
    "completed that is cancelled": (final(status="cancelled"), Status.INCOMPLETE, "cancelled"),
    "incomplete": (
        final(event="incomplete", incomplete_details={"reason": "content_filter"}),
        Status.INCOMPLETE,
        "content_filter",
    ),
    "incomplete that is completed": (final(event="incomplete", status="completed"), Status.COMPLETED, None),
    "incomplete without a response": (of_type("response.incomplete"), Status.INCOMPLETE, None),
    "incomplete, details null": (final(event="incomplete", incomplete_details=None), Status.INCOMPLETE, None),
    "incomplete, details text": (final(event="incomplete", incomplete_details="x"), Status.INCOMPLETE, None),
    "incomplete, reason odd": (final(event="incomplete", incomplete_details={"reason": [1]}), Status.INCOMPLETE, None),
    "incomplete, reason of two lines": (
        final(event="incomplete", incomplete_details={"reason": "x\n12:00:00 INFO forged"}),
        Status.INCOMPLETE,
        None,
    ),
    "incomplete, reason too long": (
        final(event="incomplete", incomplete_details={"reason": "y" * 2000}),
        Status.INCOMPLETE,
        "y" * 64,
    ),
    "failed that is completed": (final(event="failed", status="completed"), Status.COMPLETED, None),
    "cancelled": (final(event="cancelled"), Status.INCOMPLETE, "cancelled"),
    "done": (final(event="done", status="completed"), Status.COMPLETED, None),
    "done that is incomplete": (final(event="done", status="incomplete"), Status.INCOMPLETE, None),
}


@pytest.mark.parametrize(("event", "status", "reason"), ENDS.values(), ids=ENDS)
def test_the_status_of_the_response_is_the_end(event: Json, status: Status, reason: str | None) -> None:
    assert answer(delta("Hi"), event).end == End(status=status, reason=reason)


@pytest.mark.parametrize("event", ["incomplete", "failed", "cancelled", "done"])
def test_text_in_any_last_event_is_not_lost(event: str) -> None:
    assert answer(delta("Hel"), final(message("Hello"), event=event)).text == "Hello"


RATE = {"code": "rate_limit_exceeded", "message": "m"}
FAILURES: dict[str, tuple[Step, type[Problem]]] = {
    "failed": (final(event="failed", error=RATE), RateLimited),
    "failed, error null": (final(event="failed", error=None), UpstreamFailed),
    "failed without a response": (of_type("response.failed"), UpstreamFailed),
    "failed, error beside the response": (of_type("response.failed", error=RATE), RateLimited),
    "completed that failed": (final(status="failed", error=RATE), RateLimited),
    "flat error": (of_type("error", code="invalid_prompt", message="m", param=None), PromptRejected),
    "nested error": (of_type("error", error=RATE), RateLimited),
    "bare error": (of_type("error"), UpstreamFailed),
    "error without a type": ('data: {"error": {"code": "rate_limit_exceeded"}}\n\n', RateLimited),
    "error with a null type": ('data: {"type": null, "error": {"code": "rate_limit_exceeded"}}\n\n', RateLimited),
    "error with an empty type": ('data: {"type": "", "error": {"code": "rate_limit_exceeded"}}\n\n', RateLimited),
    "error text without a type": ('data: {"error": "overloaded"}\n\n', UpstreamFailed),
    "error of an unknown name": ('event: oops\ndata: {"error": {"code": "rate_limit_exceeded"}}\n\n', RateLimited),
    "error by its name": ('event: error\ndata: {"error": "engine is dead"}\n\n', UpstreamFailed),
    "error by its name, no JSON": ("event: error\ndata: upstream connect error\n\n", UpstreamFailed),
    "error by its name, blank": ("event: error\ndata:\n\n", UpstreamFailed),
    "error by its name, flat": ('event: error\ndata: {"code": "rate_limit_exceeded"}\n\n', RateLimited),
    "broken JSON of a known name": ('event: response.output_text.delta\ndata: {"delta": "lo\n\n', UpstreamFailed),
    "no object of a known name": ("event: response.completed\ndata: 7\n\n", UpstreamFailed),
}


@pytest.mark.parametrize(("step", "problem"), FAILURES.values(), ids=FAILURES)
def test_a_reported_failure_is_its_problem(step: Step, problem: type[Problem]) -> None:
    assert answer(step).problem is problem
    heard = answer(delta("Hi"), step, final())
    assert (heard.text, heard.problem, heard.end) == ("Hi", problem, None)


KEEP_ALIVES = {
    "blank": "data: \n\n",
    "empty": "data:\n\n",
    "no value": "data\n\n",
    "white space": "data: \t \n\n",
    "a comment as data": "data: : OPENROUTER PROCESSING\n\n",
    "a word": "data: ping\n\n",
    "done": "data: [DONE]\n\n",
    "done with a space": "data: [DONE] \n\n",
    "null": "data: null\n\n",
    "a number": "data: 7\n\n",
    "a list": "data: [7]\n\n",
    "an empty object": "data: {}\n\n",
    "an object without a type": 'data: {"ping": 1, "error": null}\n\n',
    "broken JSON": "data: {oops\n\n",
    "deep JSON": "data: " + "[" * 5000 + "\n\n",
    "a name without data": "event: ping\ndata:\n\n",
    "a name and a word": "event: heartbeat\ndata: still here\n\n",
    "a name of the API without data": "event: response.in_progress\ndata:\n\n",
}


@pytest.mark.parametrize("step", KEEP_ALIVES.values(), ids=KEEP_ALIVES)
def test_data_that_claims_no_type_is_keep_alive(step: str) -> None:
    heard = answer(step, delta("Hel"), step, delta("lo"), step, final())
    assert (heard.text, heard.end) == ("Hello", End(status=Status.COMPLETED))


USAGES: dict[str, tuple[object, Usage | None]] = {
    "all": (USAGE, COUNTED),
    "some": ({"input_tokens": 1}, Usage(input_tokens=1)),
    "the largest": ({"output_tokens": 10**9}, Usage(output_tokens=10**9)),
    "null fields": ({"input_tokens": None, "output_tokens": 2}, Usage(output_tokens=2)),
    "odd details": (
        {"input_tokens": 1, "input_tokens_details": "x", "output_tokens_details": {"reasoning_tokens": -1}},
        Usage(input_tokens=1),
    ),
    "null": (None, None),
    "empty": ({}, None),
    "a text": ("n/a", None),
    "a list": ([1, 2], None),
    "a number": (7, None),
    "names of another API": ({"prompt_tokens": 3, "completion_tokens": 2}, None),
    "a fraction": ({"input_tokens": 3.5, "output_tokens": 2}, None),
    "a text inside": ({"input_tokens": "3"}, None),
    "a truth value": ({"input_tokens": True}, None),
    "a list inside": ({"output_tokens": [1]}, None),
    "an object inside": ({"output_tokens": {"a": 1}}, None),
    "below zero": ({"input_tokens": -5, "output_tokens": 7}, None),
    "beyond reason": ({"input_tokens": 10**30, "output_tokens": 1}, None),
    "just too large": ({"input_tokens": 10**9 + 1}, None),
    "infinite": ({"input_tokens": float("inf")}, None),
}


@pytest.mark.parametrize(("usage", "expected"), USAGES.values(), ids=USAGES)
def test_odd_usage_is_null(usage: object, expected: Usage | None) -> None:
    assert answer(delta("Hi"), final(usage=usage)).end == End(status=Status.COMPLETED, usage=expected)


def test_number_of_length_takes_no_answer_away() -> None:
    step = 'data: {"type": "response.completed", "response": {"usage": {"input_tokens": ' + "9" * 9999 + "}}}\n\n"
    assert answer(delta("Hi"), step).end == End(status=Status.COMPLETED)


@pytest.mark.parametrize("steps", [[], [delta("")], [delta(" \n")], [summary("Hmm")], [done("")], [final(message(""))]])
def test_a_completed_answer_without_text_says_so(steps: list[Step]) -> None:
    assert answer(*steps, final()).end == End(status=Status.COMPLETED, reason="empty")
