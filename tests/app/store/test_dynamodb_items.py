"""Items: what goes in comes out, no two things have one key, and nothing too large gets through."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.store import Batch, Conversation, TurnHead
from app.store.dynamodb_items import (
    MAX_ITEM_BYTES,
    check_item,
    conversation_key,
    decode,
    head_key,
    head_values,
    log_key,
    reference_key,
    to_batch,
    to_conversation,
    to_head,
    to_item,
)
from tests.app.store.meter import size

texts = st.text(st.characters(codec="utf-8"), max_size=30)
times = st.floats(0, 1e11)
heads = st.builds(TurnHead, *[texts] * 4, st.none() | texts, texts, texts, st.none() | texts, times, times)


@given(head=heads)
def test_a_head_comes_back_from_its_item(head: TurnHead) -> None:
    assert to_head(decode(to_item(head_key(head.turn_id), head_values(head)))) == head


@given(batch=st.builds(Batch, st.integers(0, 10**8 - 1), st.binary(max_size=50), texts, times, st.booleans()))
def test_a_batch_comes_back_from_its_item(batch: Batch) -> None:
    values = {"d": batch.data, "w": batch.writer, "l": batch.lease_until, "f": batch.final}
    assert to_batch(decode(to_item(log_key("t", batch.slot), values))) == batch


@given(line=st.builds(Conversation, texts, texts, texts, times, times))
def test_a_conversation_comes_back_from_its_item(line: Conversation) -> None:
    values = {"h": line.title, "t": line.created_at, "u": line.updated_at}
    item = to_item(conversation_key(line.owner, line.conversation_id), values)
    assert to_conversation(line.owner, decode(item)) == line


ids = st.text("a#%23", max_size=6)


@given(one=st.tuples(ids, ids), other=st.tuples(ids, ids))
@example(one=("a#a", "a"), other=("a", "a#a"))
@example(one=("a#a", "a"), other=("a%23a", "a"))
def test_no_two_conversations_have_one_key(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (reference_key(*one, "t") == reference_key(*other, "t")) == (one == other)


def test_slots_are_in_the_order_of_their_keys() -> None:
    keys = [log_key("t", slot) for slot in (0, 9, 10, 99, 100, 10**8 - 1)]
    assert keys == sorted(keys)


@given(head=heads)
def test_what_dynamodb_finds_too_large_is_refused(head: TurnHead) -> None:
    key, values = head_key(head.turn_id), head_values(head)
    room = MAX_ITEM_BYTES - size(to_item(key, values))
    with pytest.raises(ValueError, match="an item of"):
        check_item(key, values | {"m": values["m"] + "m" * (room + 1)})
    check_item(key, values | {"m": values["m"] + "m" * (room - 100)})  # for numbers are not counted so finely here
