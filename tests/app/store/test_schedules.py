"""Any sequence of calls has the same effect on a store as on the model of the port."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.store import Batch, Conversation, Store
from tests.app.store.makers import Clock, a_batch, a_turn, new_id
from tests.app.store.models import ListModel, LogModel, StoredLog

Calls = list[tuple[Any, ...]]
IN_SQLITE = pytest.mark.parametrize("open_store", ["sqlite"], indirect=True)
IN_DYNAMODB = pytest.mark.parametrize("open_store", ["dynamodb"], indirect=True)
# one store serves all examples: each has another owner
ON_ONE_STORE = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
MANY = settings(ON_ONE_STORE, max_examples=150)
FEW = settings(ON_ONE_STORE, max_examples=25)  # a call over a socket takes ten times as long

slots = st.integers(0, 4)
appends = st.tuples(
    st.just("append"), slots, st.sampled_from([b"a", b"b"]), st.sampled_from(["p1", "p2"]), st.booleans()
)
log_calls = st.one_of(
    appends,
    appends,  # most calls are appends
    st.tuples(st.sampled_from(["request_stop", "stop_requested", "batches"]), slots),
    st.tuples(st.sampled_from(["create", "delete", "expire"])),
)
names = st.sampled_from(["c1", "c2", "c3"])
list_calls = st.one_of(
    st.tuples(st.just("create"), st.integers(0, 5), names, st.integers(-3, 3)),
    st.tuples(st.just("rename"), names, st.text(st.characters(codec="utf-8"), max_size=5)),
    st.tuples(st.just("delete"), names),
)


@IN_SQLITE
@given(calls=st.lists(log_calls, max_size=20))
@MANY
async def test_sqlite_log_matches_model(store: Store, clock: Clock, calls: Calls) -> None:
    await compare_logs(store, clock, calls)


@IN_DYNAMODB
@given(calls=st.lists(log_calls, max_size=15))
@FEW
async def test_dynamodb_log_matches_model(store: Store, clock: Clock, calls: Calls) -> None:
    await compare_logs(store, clock, calls)


@IN_SQLITE
@given(calls=st.lists(list_calls, max_size=15))
@MANY
async def test_sqlite_list_matches_model(store: Store, clock: Clock, calls: Calls) -> None:
    await compare_lists(store, clock, calls)


@IN_DYNAMODB
@given(calls=st.lists(list_calls, max_size=10))
@FEW
async def test_dynamodb_list_matches_model(store: Store, clock: Clock, calls: Calls) -> None:
    await compare_lists(store, clock, calls)


STOPS = ("request_stop", "stop_requested")
SLOT_CALLS = ("append", *STOPS)


async def compare_logs(store: Store, clock: Clock, calls: Calls) -> None:
    model, stored = LogModel(), StoredLog(store, clock, f"owner-{new_id()}")
    for name, *values in [("create",), *calls]:
        if name in SLOT_CALLS and not model.may_append():
            continue
        arguments = [batch_of(model, clock, *values)] if name == "append" else values
        if name in STOPS and not model.is_there:
            arguments = [model.next_slot()]  # the only slot that a producer of a deleted turn tries
        actual = await getattr(stored, name)(*arguments)
        assert (name, actual) == (name, getattr(model, name)(*arguments))


def batch_of(model: LogModel, clock: Clock, slot: int, data: bytes, writer: str, final: bool) -> Batch:
    """For a slot up to the next one if the turn exists, and
    for the next one if it does not.
    """
    possible = min(slot, model.next_slot()) if model.is_there else model.next_slot()
    return a_batch(possible, data, writer=writer, final=final, lease_until=clock.now)


async def compare_lists(store: Store, clock: Clock, calls: Calls) -> None:
    model, owner = ListModel(), f"owner-{new_id()}"
    for number, (name, *values) in enumerate(calls):
        if name == "create":
            turn, conversation_id, delay = values
            at = clock.now + delay + number / 64  # no two at the same time: their order would be undefined
            head = a_turn(clock, owner, turn_id=f"{owner}-{turn}", conversation_id=conversation_id, created_at=at)
            assert await store.create(head, "title") == model.create(head, "title")
        else:
            assert await getattr(store, name)(owner, *values) == getattr(model, name)(*values)
    assert await listed(store, owner) == model.listed()
    for conversation_id in ("c1", "c2", "c3"):
        assert await store.turns(owner, conversation_id) == model.turns_of(conversation_id)


async def listed(store: Store, owner: str) -> list[Conversation]:
    """Reads the list two at a time."""
    page = await store.conversations(owner, 2)
    found = page.conversations
    while page.cursor is not None:
        page = await store.conversations(owner, 2, page.cursor)
        found += page.conversations
    return found
