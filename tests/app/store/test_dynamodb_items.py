"""Items: they are decoded back, keys are unique, and all allowed values fit."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.store import Batch, Conversation, TurnHead
from app.store.cursor import MAX_ID_BYTES
from app.store.dynamodb.items import (
    Reference,
    conversation_key,
    decode,
    head_key,
    head_values,
    log_key,
    reference_key,
    reference_of,
    to_batch,
    to_conversation,
    to_head,
    to_item,
    to_reference,
)
from app.store.rules import MAX_OWNER_BYTES, MAX_SLOT, MAX_TEXT_BYTES, MAX_TIME, check_turn
from tests.app.store.meter import size

texts = st.text(st.characters(codec="utf-8"), max_size=30)
times = st.floats(0, 1e11)
heads = st.builds(TurnHead, *[texts] * 4, st.none() | texts, texts, texts, st.none() | texts, times, times)


@given(head=heads)
def test_head_round_trips_through_item(head: TurnHead) -> None:
    assert to_head(decode(to_item(head_key(head.owner, head.turn_id), head_values(head)))) == head


@given(batch=st.builds(Batch, st.integers(0, 10**8 - 1), st.binary(max_size=50), texts, times, st.booleans()))
def test_batch_round_trips_through_item(batch: Batch) -> None:
    values = {"d": batch.data, "w": batch.writer, "l": batch.lease_until, "f": batch.final}
    assert to_batch(decode(to_item(log_key(TURN, batch.slot), values))) == batch


@given(line=st.builds(Conversation, texts, texts, texts, times, times))
def test_conversation_round_trips_through_item(line: Conversation) -> None:
    values = {"h": line.title, "t": line.created_at, "u": line.updated_at}
    item = to_item(conversation_key(line.owner, line.conversation_id), values)
    assert to_conversation(line.owner, decode(item)) == line


ids = st.text("a#%23", max_size=6)
TURN = TurnHead("t", "o", "p", "c", None, "m", "q", None, 1.0, 2.0)
REFERENCE = Reference(1.0, "t")


@given(one=st.tuples(ids, ids), other=st.tuples(ids, ids))
@example(one=("a#a", "a"), other=("a", "a#a"))
@example(one=("a#a", "a"), other=("a%23a", "a"))
def test_conversation_keys_are_unique(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (reference_key(*one, REFERENCE) == reference_key(*other, REFERENCE)) == (one == other)
    assert (head_key(*one) == head_key(*other)) == (one == other)


def test_slot_keys_sort_by_number() -> None:
    keys = [log_key(TURN, slot) for slot in (0, 9, 10, 99, 100, 10**8 - 1)]
    assert keys == sorted(keys)


references = st.builds(Reference, times, texts, st.just(value=False))


@given(one=references, other=references)
def test_references_sort_as_their_times_and_come_back(one: Reference, other: Reference) -> None:
    keys = [reference_key("o", "c", reference) for reference in (one, other)]
    assert (keys[0] < keys[1]) == (one < other)
    assert [to_reference(decode(to_item(key, {}))) for key in keys] == [one, other]


@pytest.mark.parametrize("character", ["a", "#", "%", "ä", "\x00"])
@pytest.mark.parametrize("field", ["message", "instructions"])
def test_the_largest_turn_of_the_rules_fits(character: str, field: str) -> None:
    """Including DynamoDB's keys, of 2048 and 1024 bytes."""
    owner, some_id = filled(character, MAX_OWNER_BYTES), filled(character, MAX_ID_BYTES)
    turn = TurnHead(some_id, owner, "p", some_id, some_id, "", "q", "", MAX_TIME, MAX_TIME)
    rest = sum(len(text.encode()) for text in (owner, "p", "q")) + 3 * len(some_id.encode())
    changes: dict[str, Any] = {field: filled(character, MAX_TEXT_BYTES - rest)}
    turn = replace(turn, **changes)
    check_turn(turn, filled(character, MAX_TEXT_BYTES))
    line = {"h": filled(character, MAX_TEXT_BYTES), "t": MAX_TIME, "u": MAX_TIME, "n": 10**9, "x": int(MAX_TIME)}
    items = [to_item(head_key(owner, some_id), head_values(turn)), to_item(conversation_key(owner, some_id), line)]
    assert max(size(item) for item in items) <= 400 * 1024
    keys = [head_key(owner, some_id), log_key(turn, MAX_SLOT), reference_key(owner, some_id, reference_of(turn))]
    for partition, sort in [*keys, conversation_key(owner, some_id)]:
        assert len(partition.encode()) <= 2048
        assert len(sort.encode()) <= 1024


def filled(character: str, size: int) -> str:
    return character * (size // len(character.encode()))
