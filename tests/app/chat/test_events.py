"""Events as frames, and as one whole turn."""

import json

import pytest

from app.chat.events import collect, frame
from app.contract import End, Reasoning, Refusal, Source, Start, Status, Text, Tool, Usage
from app.store import TurnHead

USAGE = Usage(input_tokens=12, cached_tokens=3, output_tokens=30, reasoning_tokens=20)


def test_frame_has_id_event_and_data() -> None:
    head, data, *rest = frame("turn", 7, Text(delta="a\nü\u2028")).decode().split("data: ")
    assert head == "id: turn:7\nevent: text\n"
    assert data.endswith("\n\n")
    assert (json.loads(data), rest) == ({"delta": "a\nü\u2028"}, [])


HEAD = TurnHead("t", "me", "p", "c", None, "Hi?", "m", None, 1.0, 2.0)


def test_collect_keeps_all_events_in_order() -> None:
    source = Source(url="https://a.example", title="A", start=0, end=1)
    start = Start(turn_id="t", conversation_id="c", model="m")
    middle = [Reasoning(delta="Hm"), Text(delta="a"), Tool(name="web_search", status="completed"), source]
    end = End(status=Status.COMPLETED, usage=USAGE)
    turn = collect(HEAD, enumerate([start, *middle, Text(delta="b"), Refusal(delta="No."), end]))
    assert (turn.turn_id, turn.model, turn.message, turn.text, turn.reasoning) == ("t", "m", "Hi?", "ab", "Hm")
    assert (turn.refusal, turn.sources) == ("No.", [source])
    assert (turn.status, turn.usage) == (Status.COMPLETED, USAGE)


def test_turn_without_end_is_running() -> None:
    assert collect(HEAD, [(0, Text(delta="a"))]).status is Status.RUNNING


@pytest.mark.parametrize("count", [-5, 10**9 + 1, 1.5, "7", True, [1], float("inf")])
def test_stored_count_that_cannot_be_right_is_null(count: object) -> None:
    assert Usage.model_validate({"input_tokens": count, "output_tokens": 7}) == Usage(output_tokens=7)
