"""Cursors: they are decoded back, and any other text is refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.store.cursor import MAX_ID_BYTES, MAX_TIME, MIN_TIME, Position, decode, encode

times = st.just(0.0) | st.floats(MIN_TIME, MAX_TIME, exclude_max=True)
ids = st.text(st.characters(codec="utf-8"), min_size=1, max_size=MAX_ID_BYTES // 4)


@given(position=st.builds(Position, times, ids))
def test_cursor_round_trips_position(position: Position) -> None:
    assert decode(encode(position)) == position


@given(text=st.one_of(st.text(max_size=40), st.text("AQdrBf7CtjNw-_=", max_size=40)))
def test_other_text_raises_value_error(text: str) -> None:
    with suppress(ValueError):
        assert encode(decode(text)) == text


@pytest.mark.parametrize(
    "position",
    [
        Position(float("nan"), "c"),
        Position(float("inf"), "c"),
        Position(-1.0, "c"),
        Position(MAX_TIME, "c"),
        Position(MIN_TIME / 2, "c"),
        Position(5e-324, "c"),
        Position(1.0, ""),
        Position(1.0, "c" * (MAX_ID_BYTES + 1)),
    ],
)
def test_impossible_position_raises_value_error(position: Position) -> None:
    with pytest.raises(ValueError, match="not a cursor"):
        decode(encode(position))
