"""The contract of turns and logs (app.store), for both stores."""

import asyncio
from dataclasses import replace

import pytest

from app.store import MAX_BATCH_BYTES, SlotTakenError, Store
from tests.app.store.conftest import OpenStore
from tests.app.store.makers import DAY, Clock, a_batch, a_turn, new_id

NASTY = "a\x00b\r\n\u2028 'x\"; DROP TABLE turn; -- ÄÖ 👩‍👩‍👧 \u202e#%25"


async def test_turn_is_found_as_created(store: Store, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner, parent_turn_id=new_id(), message=NASTY, instructions=NASTY, created_at=clock.now + 0.1)
    assert await store.create(turn, "title") == turn
    assert await store.head(owner, turn.turn_id) == turn


async def test_optional_fields_stay_missing(store: Store, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner, parent_turn_id=None, instructions=None)
    await store.create(turn, "title")
    found = await store.head(owner, turn.turn_id)
    assert found
    assert (found.parent_turn_id, found.instructions) == (None, None)


async def test_first_turn_of_id_is_stored(store: Store, clock: Clock, owner: str) -> None:
    first = a_turn(clock, owner)
    await store.create(first, "title")
    again = replace(first, message="Another?", producer="p2", created_at=clock.now + 1)
    assert await store.create(again, "title") == first
    assert await store.head(owner, first.turn_id) == first


async def test_one_id_of_two_owners_is_two_turns(store: Store, clock: Clock, owner: str) -> None:
    mine = a_turn(clock, owner)
    theirs = a_turn(clock, f"not {owner}", turn_id=mine.turn_id, conversation_id=mine.conversation_id)
    for turn in (mine, theirs):
        assert await store.create(turn, "title") == turn
        assert not await store.append(turn, a_batch(data=turn.owner.encode()))
    assert await store.request_stop(theirs, 1)
    assert not await store.stop_requested(mine, 1)
    assert await store.delete(theirs.owner, theirs.conversation_id)
    assert await store.head(owner, mine.turn_id) == mine
    assert [batch.data for batch in await store.batches(mine)] == [owner.encode()]


async def test_no_owner_and_turn_are_taken_for_others(store: Store, clock: Clock, owner: str) -> None:
    """For every way to join the two to a key."""
    ambiguous = [(f"{owner}#a", "b"), (owner, "a#b"), (f"{owner}%23a", "b"), (f"{owner}%2523a", "b")]
    turns = [a_turn(clock, name, turn_id=turn_id, message=name) for name, turn_id in ambiguous]
    for turn in turns:
        await store.create(turn, "title")
        await store.append(turn, a_batch(data=turn.owner.encode()))
    assert [await store.head(turn.owner, turn.turn_id) for turn in turns] == turns
    for turn in turns:
        assert [batch.data for batch in await store.batches(turn)] == [turn.owner.encode()]


async def test_fifty_creates_store_one_turn(store: Store, clock: Clock, owner: str) -> None:
    """Only the first turn is stored, although each has another conversation."""
    turn_id = new_id()
    turns = [a_turn(clock, owner, turn_id=turn_id, producer=f"p{number}") for number in range(50)]
    kept = await asyncio.gather(*(store.create(turn, "title") for turn in turns))
    assert set(kept) == {await store.head(owner, turn_id)}
    listed = (await store.conversations(owner, 100)).conversations
    assert [line.conversation_id for line in listed] == [kept[0].conversation_id]


async def test_fifty_creates_add_one_turn(store: Store, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner)
    rivals = [replace(turn, producer=f"p{number}") for number in range(50)]
    kept = await asyncio.gather(*(store.create(rival, "title") for rival in rivals))
    assert await store.turns(owner, turn.conversation_id) == [*set(kept)]


async def test_turn_of_other_owner_is_none(store: Store, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner)
    await store.create(turn, "title")
    assert await store.head("somebody else", turn.turn_id) is None
    assert await store.head(owner, new_id()) is None


async def test_log_is_read_as_appended(store: Store, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner)
    await store.create(turn, "title")
    batches = [a_batch(0, bytes(range(256))), a_batch(1, b"", lease_until=clock.now + 0.1), a_batch(2, final=True)]
    for batch in batches:
        assert not await store.append(turn, batch)
    assert await store.batches(turn) == batches
    assert await store.batches(turn, 2) == batches[2:]
    assert await store.batches(turn, 3) == []


async def test_log_ends_at_first_gap(store: Store, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner)
    await store.create(turn, "title")
    for slot in (0, 2, 3):
        await store.append(turn, a_batch(slot))
    assert [batch.slot for batch in await store.batches(turn)] == [0]
    assert await store.batches(turn, 1) == []


async def test_slot_is_claimed_once(store: Store, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner)
    await store.create(turn, "title")
    await store.append(turn, a_batch(writer="p1"))
    with pytest.raises(SlotTakenError):
        await store.append(turn, a_batch(writer="p2"))
    assert await store.batches(turn) == [a_batch(writer="p1")]


@pytest.mark.parametrize("changes", [{"data": b"other"}, {"final": True}], ids=["data", "end"])
async def test_different_batch_of_writer_is_refused(
    store: Store, clock: Clock, owner: str, changes: dict[str, object]
) -> None:
    turn = a_turn(clock, owner)
    await store.create(turn, "title")
    await store.append(turn, a_batch())
    with pytest.raises(SlotTakenError):
        await store.append(turn, replace(a_batch(), **changes))  # type: ignore[arg-type] # mypy sees one type for all fields


async def test_repeated_batch_renews_lease(store: Store, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner)
    await store.create(turn, "title")
    await store.append(turn, a_batch())
    assert not await store.append(turn, a_batch(lease_until=clock.now + 20))
    assert await store.batches(turn) == [a_batch(lease_until=clock.now + 20)]


async def test_one_of_fifty_writers_claims_slot(store: Store, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner)
    await store.create(turn, "title")
    claims = (store.append(turn, a_batch(writer=f"p{number}")) for number in range(50))
    results = await asyncio.gather(*claims, return_exceptions=True)
    winners = [f"p{number}" for number, result in enumerate(results) if result is False]
    assert sum(isinstance(result, SlotTakenError) for result in results) == 49
    assert [batch.writer for batch in await store.batches(turn)] == winners


async def test_next_append_returns_stop_request(store: Store, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner)
    await store.create(turn, "title")
    await store.append(turn, a_batch(0))
    assert await store.request_stop(turn, 1)
    assert await store.append(turn, a_batch(1))
    assert not await store.append(turn, a_batch(2))


async def test_stop_request_may_precede_first_batch(store: Store, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner)
    await store.create(turn, "title")
    assert await store.request_stop(turn, 0)
    assert await store.append(turn, a_batch(0, final=True))


async def test_repeated_append_returns_request_again(store: Store, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner)
    await store.create(turn, "title")
    await store.request_stop(turn, 0)
    assert await store.append(turn, a_batch())
    assert await store.append(turn, a_batch())


async def test_stop_request_is_readable(store: Store, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner)
    await store.create(turn, "title")
    assert not await store.stop_requested(turn, 0)
    await store.request_stop(turn, 0)
    assert await store.stop_requested(turn, 0)
    assert not await store.stop_requested(turn, 1)


async def test_stop_request_is_repeatable(store: Store, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner)
    await store.create(turn, "title")
    assert await store.request_stop(turn, 0)
    assert await store.request_stop(turn, 0)
    assert await store.batches(turn) == []


async def test_claimed_slot_refuses_stop_request(store: Store, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner)
    await store.create(turn, "title")
    await store.append(turn, a_batch())
    assert not await store.request_stop(turn, 0)
    assert not await store.stop_requested(turn, 0)
    assert await store.batches(turn) == [a_batch()]


async def test_concurrent_stop_request_is_never_lost(store: Store, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner)
    await store.create(turn, "title")
    for slot in range(20):
        pair = [store.append(turn, a_batch(slot)), store.request_stop(turn, slot)]
        brought_back, laid = await asyncio.gather(*(pair if slot % 2 else reversed(pair)))
        assert brought_back == laid


async def test_megabyte_is_stored_in_batches(store: Store, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner)
    await store.create(turn, "title")
    batches = [a_batch(slot, bytes([slot]) * MAX_BATCH_BYTES) for slot in range(4)]
    for batch in batches:
        await store.append(turn, batch)
    assert await store.batches(turn) == batches


@pytest.mark.parametrize(
    "batch", [a_batch(0, bytes(MAX_BATCH_BYTES + 1)), a_batch(-1), a_batch(10**8)], ids=["bytes", "negative", "slot"]
)
async def test_oversized_batch_raises_value_error(store: Store, clock: Clock, owner: str, batch: object) -> None:
    turn = a_turn(clock, owner)
    await store.create(turn, "title")
    with pytest.raises(ValueError, match=r"batch of 307201 bytes|slot -?\d+ is not between"):
        await store.append(turn, batch)  # type: ignore[arg-type] # pytest gives it as it is
    assert await store.batches(turn) == []


async def test_expired_turn_is_none(store: Store, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner)
    await store.create(turn, "title")
    await store.append(turn, a_batch(0))
    await store.request_stop(turn, 1)
    clock.now = turn.expires_at
    assert await store.head(owner, turn.turn_id) is None
    assert await store.batches(turn) == []
    assert not await store.stop_requested(turn, 1)
    assert await store.request_stop(turn, 2)  # there is nothing to stop
    with pytest.raises(SlotTakenError):
        await store.append(turn, a_batch(1))


async def test_expired_id_starts_over(store: Store, clock: Clock, owner: str) -> None:
    old = a_turn(clock, owner)
    await store.create(old, "title")
    await store.append(old, a_batch(0, b"old"))
    await store.append(old, a_batch(1, b"old"))
    await store.request_stop(old, 2)
    clock.now += DAY + 1
    new = replace(old, producer="p2", created_at=clock.now, expires_at=clock.now + DAY)
    assert await store.create(new, "title") == new
    assert await store.request_stop(new, 1)
    assert await store.batches(new) == []
    assert [await store.append(new, a_batch(slot, b"new")) for slot in range(3)] == [False, True, False]
    assert not await store.stop_requested(new, 2)
    assert [batch.data for batch in await store.batches(new)] == [b"new"] * 3


async def test_second_store_object_sees_writes(store: Store, open_store: OpenStore, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner)
    await store.create(turn, "title")
    await store.append(turn, a_batch())
    other = open_store(clock)
    assert await other.head(owner, turn.turn_id) == turn
    assert await other.batches(turn) == [a_batch()]
    with pytest.raises(SlotTakenError):
        await other.append(turn, a_batch(writer="p2"))
    await other.close()


async def test_a_turn_expires_early_with_its_end(store: Store, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner, expires_at=clock.now + 90 * DAY)
    await store.create(turn, "title")
    end = a_batch(1, final=True, expires_at=clock.now + DAY)
    await store.append(turn, a_batch(0))
    assert not await store.append(turn, end)
    assert not await store.append(turn, end)  # the same append again
    assert await store.head(owner, turn.turn_id) == turn
    assert await store.batches(turn) == [a_batch(0), end]
    clock.now += DAY
    assert await store.head(owner, turn.turn_id) is None
    assert await store.turns(owner, turn.conversation_id) == []
    assert await store.conversation(owner, turn.conversation_id) is None
    with pytest.raises(SlotTakenError):
        await store.append(turn, a_batch(1))


async def test_an_early_end_does_not_prolong_a_turn(store: Store, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner)
    await store.create(turn, "title")
    await store.append(turn, a_batch(final=True, expires_at=clock.now + 2 * DAY))
    clock.now += DAY
    assert await store.head(owner, turn.turn_id) is None


async def test_id_of_turn_that_expired_early_begins_anew(store: Store, clock: Clock, owner: str) -> None:
    """Even if the batches before its end have not expired."""
    old = a_turn(clock, owner, expires_at=clock.now + 90 * DAY)
    await store.create(old, "title")
    await store.append(old, a_batch(0, b"old"))
    await store.append(old, a_batch(1, b"old", final=True, expires_at=clock.now + DAY))
    clock.now += DAY
    new = replace(old, created_at=clock.now, expires_at=clock.now + 90 * DAY)
    assert await store.create(new, "title") == new
    assert await store.batches(new) == []
    assert await store.request_stop(new, 0)
    assert [await store.append(new, a_batch(slot, b"new")) for slot in range(2)] == [True, False]
    assert [batch.data for batch in await store.batches(new)] == [b"new"] * 2
    with pytest.raises(SlotTakenError):
        await store.append(old, a_batch(1, b"old"))
