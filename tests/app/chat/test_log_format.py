"""A turn's log as another version or a damaged disk may have written it."""

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import contract
from app.chat import log_format
from app.chat.log_reader import LogPosition
from app.contract import End, Event, ProblemDetails, Refusal, Start, Status, Text, Usage
from app.store import Batch, TurnHead

HEAD = TurnHead("t", "me", "p", "c", None, "Hi", "m", None, 0.0, 1e9)
START = Start(turn_id="t", conversation_id="c", model="m")
PROBLEM = ProblemDetails(type="t", title="x", status=502, detail="d", code="upstream_failed", retryable=True)
END = End(status=Status.FAILED, reason="upstream_failed", usage=Usage(output_tokens=7), error=PROBLEM)
EVENTS: list[Event] = [START, Text(delta="Hel"), Refusal(delta="lo"), END]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
kinds = st.sampled_from([*contract.EVENTS, "newer"])
fields = st.dictionaries(st.sampled_from(["delta", "status", "usage", "error", "turn_id", "url", "x"]), values)
items = values | st.builds(lambda kind, more: {"event": kind} | more, kinds, fields)


def widened(value: Any) -> Any:
    """Returns the same JSON with another field in each object."""
    if isinstance(value, dict):
        return {name: widened(inner) for name, inner in value.items()} | {"newer": {"a": [1]}}
    return value


def test_fields_of_a_newer_version_are_dropped() -> None:
    first, *plain = json.loads(log_format.encode(5, EVENTS))
    newer = json.dumps([first, *map(widened, plain)]).encode()
    assert log_format.decode(newer) == list(enumerate(EVENTS, 5))


@pytest.mark.parametrize(
    "item",
    [{"event": "image", "url": "CANARY"}, {"event": "source", "url": 7}, {"delta": "CANARY"}, 7, None, ["CANARY"]],
)
def test_an_unreadable_event_keeps_its_number(item: object) -> None:
    assert log_format.decode(json.dumps([3, "a", item, "b"]).encode()) == [
        (3, Text(delta="a")),
        (4, Text(delta="")),
        (5, Text(delta="b")),
    ]


@pytest.mark.parametrize(
    ("item", "end"),
    [
        ({"status": "newer"}, log_format.UNREADABLE),
        ({"status": ["CANARY"]}, log_format.UNREADABLE),
        ({"status": "completed", "usage": "CANARY"}, End(status=Status.COMPLETED, reason="unreadable")),
        ({}, log_format.UNREADABLE),
    ],
)
def test_an_unreadable_end_is_still_an_end(item: dict[str, object], end: End) -> None:
    assert log_format.decode(json.dumps([0, {"event": "end"} | item]).encode()) == [(0, end)]


@given(st.lists(items, max_size=5), st.integers(0, 1000))
def test_any_events_are_decoded_one_by_one(plain: list[object], first: int) -> None:
    decoded = log_format.decode(json.dumps([first, *plain]).encode())
    assert [number for number, _ in decoded] == list(range(first, first + len(plain)))


@given(st.binary() | values.map(lambda value: json.dumps(value).encode()))
def test_any_final_batch_ends_the_turn(data: bytes) -> None:
    tail = LogPosition(HEAD)
    events = tail.take(Batch(0, data, "p", 10.0, final=True))
    number, end = events[-1]
    assert isinstance(end, End)
    assert (tail.slot, tail.seq, tail.final) == (1, number + 1, True)


@pytest.mark.parametrize(
    "data", [b'[0,"CANARY', b'{"CANARY":1}', b'["CANARY"]', b"[-1]", b"CANARY", b"\xff", b"", b'[0.5,"CANARY"]']
)
def test_an_unreadable_batch_is_logged_without_its_values(data: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert LogPosition(HEAD).take(Batch(0, data, "p", 10.0)) == []
    assert "turn t: batch 0 cannot be read" in caplog.text
    assert "CANARY" not in caplog.text


def test_validation_errors_hold_no_input() -> None:
    with pytest.raises(ValueError, match="status") as caught:
        End.model_validate({"status": "CANARY"})
    assert "CANARY" not in str(caught.value)
