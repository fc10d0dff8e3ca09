"""The reducer, event by event; frames; and the stream collected."""

import json
from typing import Any

import pytest

from app.chat.events import Reducer, collect, frame
from app.contract import End, Event, Reasoning, Refusal, Source, Start, Status, Text, Tool, Usage
from app.problems import Problem, PromptRejected, RateLimited, UpstreamFailed
from app.store import TurnHead

USAGE = {
    "input_tokens": 12,
    "input_tokens_details": {"cached_tokens": 3},
    "output_tokens": 30,
    "output_tokens_details": {"reasoning_tokens": 20},
    "total_tokens": 42,
}
COUNTED = Usage(input_tokens=12, cached_tokens=3, output_tokens=30, reasoning_tokens=20)


def of_type(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "sequence_number": 1, **fields}


def reduce(*events: dict[str, Any]) -> list[Event]:
    reducer = Reducer()
    return [seen for event in events for seen in reducer.feed(event)]


CITATION = {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 4, "end_index": 9}
TEXT = of_type("response.output_text.delta", delta="Hi\n")
REFUSAL = of_type("response.refusal.delta", delta="No.")


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (TEXT, [Text(delta="Hi\n")]),
        (REFUSAL, [Refusal(delta="No.")]),
        (of_type("response.reasoning_summary_text.delta", delta="Hm"), [Reasoning(delta="Hm")]),
        (of_type("response.reasoning_text.delta", delta="Hm"), [Reasoning(delta="Hm")]),
        (of_type("response.web_search_call.searching"), [Tool(name="web_search", status="searching")]),
        (of_type("response.mcp_call.failed"), [Tool(name="mcp", status="failed")]),
        (
            of_type("response.output_text.annotation.added", annotation=CITATION),
            [Source(url="https://a.example", title="A", start=4, end=9)],
        ),
        (of_type("response.output_text.annotation.added", annotation={"type": "file_citation"}), []),
        (of_type("response.created", response={}), []),
        (of_type("keepalive"), []),
        (of_type("response.from_next_year.delta", delta="?"), []),
        ({"no": "type"}, []),
        ({"type": 7}, []),
    ],
)
def test_an_event_means(event: dict[str, Any], expected: list[Event]) -> None:
    assert reduce(event) == expected


def test_a_completed_answer_ends_with_its_usage() -> None:
    completed = of_type("response.completed", response={"output": [], "usage": USAGE})
    assert reduce(TEXT, completed)[-1] == End(status=Status.COMPLETED, usage=COUNTED)


def test_usage_that_is_missing_is_not_guessed() -> None:
    assert reduce(of_type("response.completed", response={})) == [End(status=Status.COMPLETED)]
    (end,) = reduce(of_type("response.completed", response={"usage": {"input_tokens": 1}}))
    assert isinstance(end, End)
    assert end.usage == Usage(input_tokens=1)


def test_an_answer_after_a_refusal_is_refused() -> None:
    assert reduce(REFUSAL, of_type("response.completed", response={}))[-1] == End(status=Status.REFUSED)


def test_a_refusal_that_comes_only_with_the_end_is_not_lost() -> None:
    output = [{"content": [{"type": "refusal", "refusal": "No."}]}, {"type": "reasoning"}]
    assert reduce(of_type("response.completed", response={"output": output})) == [
        Refusal(delta="No."),
        End(status=Status.REFUSED),
    ]


def test_text_that_comes_only_with_the_end_is_not_lost_and_other_text_not_repeated() -> None:
    completed = of_type(
        "response.completed", response={"output": [{"content": [{"type": "output_text", "text": "Hi\n"}]}]}
    )
    assert reduce(completed) == [Text(delta="Hi\n"), End(status=Status.COMPLETED)]
    assert reduce(TEXT, completed) == [Text(delta="Hi\n"), End(status=Status.COMPLETED)]


@pytest.mark.parametrize("reason", ["max_output_tokens", "content_filter", None])
def test_an_incomplete_answer_says_why(reason: str | None) -> None:
    event = of_type("response.incomplete", response={"incomplete_details": reason and {"reason": reason}})
    assert reduce(event) == [End(status=Status.INCOMPLETE, reason=reason)]


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (of_type("response.failed", response={"error": {"code": "rate_limit_exceeded", "message": "m"}}), RateLimited),
        (of_type("response.failed", response={"error": None}), UpstreamFailed),
        (of_type("error", code="invalid_prompt", message="m", param=None), PromptRejected),
        (of_type("error", error={"code": "rate_limit_exceeded", "message": "m"}), RateLimited),
        (of_type("error"), UpstreamFailed),
        (of_type("response.output_text.delta"), UpstreamFailed),
        (of_type("response.output_text.delta", delta={"no": "text"}), UpstreamFailed),
        (of_type("response.completed", response=None), UpstreamFailed),
        (of_type("response.completed", response={"output": [{"content": [7]}]}), UpstreamFailed),
        (of_type("response.incomplete"), UpstreamFailed),
    ],
)
def test_a_failure_or_a_wrong_shape_is_a_problem(event: dict[str, Any], problem: type[Problem]) -> None:
    with pytest.raises(Problem) as caught:
        reduce(event)
    assert type(caught.value) is problem


def test_a_frame_names_turn_sequence_and_event_on_one_data_line() -> None:
    head, data, *rest = frame("turn", 7, Text(delta="a\nü\u2028")).decode().split("data: ")
    assert head == "id: turn:7\nevent: text\n"
    assert data.endswith("\n\n")
    assert (json.loads(data), rest) == ({"delta": "a\nü\u2028"}, [])


HEAD = TurnHead("t", "me", "p", "c", None, "Hi?", "m", None, 1.0, 2.0)


def test_a_collected_stream_holds_everything_in_order() -> None:
    source = Source(url="https://a.example", title="A", start=0, end=1)
    start = Start(turn_id="t", conversation_id="c", model="m")
    middle = [Reasoning(delta="Hm"), Text(delta="a"), Tool(name="web_search", status="completed"), source]
    end = End(status=Status.COMPLETED, usage=COUNTED)
    turn = collect(HEAD, enumerate([start, *middle, Text(delta="b"), Refusal(delta="No."), end]))
    assert (turn.turn_id, turn.model, turn.message, turn.text, turn.reasoning) == ("t", "m", "Hi?", "ab", "Hm")
    assert (turn.refusal, turn.sources) == ("No.", [source])
    assert (turn.status, turn.usage) == (Status.COMPLETED, COUNTED)


def test_a_turn_without_an_end_is_running() -> None:
    assert collect(HEAD, [(0, Text(delta="a"))]).status is Status.RUNNING
