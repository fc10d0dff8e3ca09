"""The contract of conversations (app.store), for both stores."""

import asyncio
import itertools
from dataclasses import replace

import pytest

from app.store import Conversation, SlotTakenError, Store, TurnHead
from tests.app.store.makers import DAY, Clock, a_batch, a_turn, new_id


async def pages(store: Store, owner: str, limit: int) -> list[list[str]]:
    """Returns the ids of each page in order."""
    found, cursor = [], None
    while True:
        page = await store.conversations(owner, limit, cursor)
        found.append([line.conversation_id for line in page.conversations])
        cursor = page.cursor
        if cursor is None:
            return found


async def make_conversations(store: Store, clock: Clock, owner: str, number: int, *, apart: float = 1.0) -> list[str]:
    """Returns the ids, the newest first."""
    turns = [a_turn(clock, owner, created_at=clock.now + apart * n) for n in range(number)]
    for turn in turns:
        await store.create(turn, "title")
    return [turn.conversation_id for turn in reversed(turns)]


async def test_first_turn_creates_conversation(store: Store, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner)
    await store.create(turn, "Grüße")
    expected = Conversation(turn.conversation_id, owner, "Grüße", clock.now, clock.now)
    assert await store.conversation(owner, turn.conversation_id) == expected
    assert (await store.conversations(owner, 10)).conversations == [expected]


async def test_later_turn_updates_only_time(store: Store, clock: Clock, owner: str) -> None:
    first = a_turn(clock, owner)
    await store.create(first, "first")
    later = a_turn(clock, owner, conversation_id=first.conversation_id, created_at=clock.now + 5.5)
    await store.create(later, "second")
    found = await store.conversation(owner, first.conversation_id)
    assert found == Conversation(first.conversation_id, owner, "first", clock.now, clock.now + 5.5)


async def test_earlier_turn_keeps_time(store: Store, clock: Clock, owner: str) -> None:
    first = a_turn(clock, owner)
    await store.create(first, "title")
    earlier = a_turn(clock, owner, conversation_id=first.conversation_id, created_at=clock.now - 5)
    assert await store.create(earlier, "title") == earlier
    found = await store.conversation(owner, first.conversation_id)
    assert found
    assert found.updated_at == clock.now


async def test_existing_turn_keeps_time(store: Store, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner)
    await store.create(turn, "title")
    await store.create(replace(turn, created_at=clock.now + 5), "title")
    found = await store.conversation(owner, turn.conversation_id)
    assert found
    assert found.updated_at == clock.now


async def test_same_id_of_two_owners_is_separate(store: Store, clock: Clock, owner: str) -> None:
    mine = a_turn(clock, owner)
    theirs = a_turn(clock, f"not {owner}", conversation_id=mine.conversation_id)
    await store.create(mine, "mine")
    await store.create(theirs, "theirs")
    assert await store.turns(owner, mine.conversation_id) == [mine]
    assert await store.delete(theirs.owner, mine.conversation_id)
    found = await store.conversation(owner, mine.conversation_id)
    assert found
    assert found.title == "mine"
    assert await store.turns(owner, mine.conversation_id) == [mine]


async def test_owner_and_id_are_never_confused(store: Store, clock: Clock, owner: str) -> None:
    """For every way to join the two to a key."""
    ambiguous = [(f"{owner}#a", "b"), (owner, "a#b"), (f"{owner}%23a", "b"), (f"{owner}%2523a", "b")]
    turns = [a_turn(clock, name, conversation_id=conversation_id) for name, conversation_id in ambiguous]
    for turn in turns:
        await store.create(turn, "title")
    assert [await store.turns(turn.owner, turn.conversation_id) for turn in turns] == [[turn] for turn in turns]


async def test_conversation_of_other_owner_is_none(store: Store, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner)
    await store.create(turn, "title")
    stranger = "somebody else"
    for ids in ((stranger, turn.conversation_id), (owner, new_id())):
        assert await store.conversation(*ids) is None
        assert await store.turns(*ids) == []
        assert not await store.rename(*ids, "taken over")
        assert not await store.delete(*ids)
    assert await store.head(owner, turn.turn_id) == turn
    assert await store.conversation(stranger, turn.conversation_id) is None


async def test_turns_are_oldest_first(store: Store, clock: Clock, owner: str) -> None:
    first = a_turn(clock, owner)
    ids = {"conversation_id": first.conversation_id, "parent_turn_id": first.turn_id}
    third = a_turn(clock, owner, created_at=clock.now + 2, **ids)
    second = a_turn(clock, owner, created_at=clock.now + 1, **ids)
    for turn in (first, third, second):
        await store.create(turn, "title")
    assert await store.turns(owner, first.conversation_id) == [first, second, third]


async def test_concurrent_turns_are_in_their_conversation(store: Store, clock: Clock, owner: str) -> None:
    first = a_turn(clock, owner)
    rest = [
        a_turn(clock, owner, conversation_id=first.conversation_id, created_at=at, expires_at=at + DAY)
        for at in (clock.now + seconds for seconds in range(1, 100))
    ]
    await store.create(first, "title")
    assert await asyncio.gather(*(store.create(turn, "title") for turn in rest)) == rest
    assert await store.turns(owner, first.conversation_id) == [first, *rest]
    found = await store.conversation(owner, first.conversation_id)
    assert found
    assert found.updated_at == rest[-1].created_at


@pytest.mark.parametrize("limit", [1, 2, 5, 6])
async def test_pages_of_turns_hold_each_turn_once(store: Store, clock: Clock, owner: str, limit: int) -> None:
    """Two of them were created at the same time."""
    first = a_turn(clock, owner)
    rest = [
        a_turn(clock, owner, conversation_id=first.conversation_id, created_at=clock.now + seconds)
        for seconds in (1e-6, 0.5, 0.5, 2)
    ]
    for turn in (*reversed(rest), first):
        await store.create(turn, "title")
    found: list[TurnHead] = []
    page = await store.turns(owner, first.conversation_id, limit=limit)
    while page:
        found += page
        page = await store.turns(owner, first.conversation_id, limit=limit, after=page[-1])
    assert found == sorted([first, *rest], key=lambda turn: (turn.created_at, turn.turn_id))


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_page_of_no_turns_is_refused(store: Store, owner: str, limit: int) -> None:
    with pytest.raises(ValueError, match=f"page of {limit}"):
        await store.turns(owner, new_id(), limit=limit)


async def test_list_is_newest_first(store: Store, clock: Clock, owner: str) -> None:
    third, second, first = await make_conversations(store, clock, owner, 3)
    await store.create(a_turn(clock, owner, conversation_id=first, created_at=clock.now + 9), "title")
    assert await pages(store, owner, 10) == [[first, third, second]]


async def test_pages_hold_each_conversation_once(store: Store, clock: Clock, owner: str) -> None:
    made = await make_conversations(store, clock, owner, 5)
    assert await pages(store, owner, 2) == [made[:2], made[2:4], made[4:]]


async def test_full_page_may_be_last(store: Store, clock: Clock, owner: str) -> None:
    made = await make_conversations(store, clock, owner, 4)
    assert await pages(store, owner, 2) == [made[:2], made[2:]]
    assert await pages(store, "somebody else", 2) == [[]]


async def test_pages_handle_equal_times(store: Store, clock: Clock, owner: str) -> None:
    made = await make_conversations(store, clock, owner, 5, apart=0)
    found = await pages(store, owner, 2)
    assert [len(page) for page in found] == [2, 2, 1]
    assert set(itertools.chain(*found)) == set(made)


async def test_cursor_outlives_its_conversation(store: Store, clock: Clock, owner: str) -> None:
    made = await make_conversations(store, clock, owner, 3)
    page = await store.conversations(owner, 2)
    await store.delete(owner, made[1])
    rest = await store.conversations(owner, 2, page.cursor)
    assert [line.conversation_id for line in rest.conversations] == made[2:]


async def test_foreign_cursor_reads_own_list(store: Store, clock: Clock, owner: str) -> None:
    await make_conversations(store, clock, owner, 3)
    cursor = (await store.conversations(owner, 1)).cursor
    stranger = f"not {owner}"
    (mine,) = await make_conversations(store, clock, stranger, 1)
    page = await store.conversations(stranger, 9, cursor)
    assert [line.conversation_id for line in page.conversations] == [mine]


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "ÄÖÜ", "QdrAtBf7CtBjNw==", "f_AAAAAAAABjNw", "Qdr AtBf7CtBjNw"])
async def test_invalid_cursor_raises_value_error(store: Store, owner: str, cursor: str) -> None:
    with pytest.raises(ValueError, match="not a cursor"):
        await store.conversations(owner, 10, cursor)


@pytest.mark.parametrize("limit", [0, -1, 1001])
async def test_invalid_limit_raises_value_error(store: Store, owner: str, limit: int) -> None:
    with pytest.raises(ValueError, match=f"page of {limit}"):
        await store.conversations(owner, limit)


async def test_rename_keeps_position(store: Store, clock: Clock, owner: str) -> None:
    made = await make_conversations(store, clock, owner, 2)
    assert await store.rename(owner, made[1], "other")
    listed = (await store.conversations(owner, 10)).conversations
    assert [(line.conversation_id, line.title) for line in listed] == [(made[0], "title"), (made[1], "other")]


async def test_delete_removes_turns_and_logs(store: Store, clock: Clock, owner: str) -> None:
    """More turns than one page or one batch of DynamoDB."""
    first = a_turn(clock, owner)
    second = a_turn(clock, owner, conversation_id=first.conversation_id)
    for turn in (first, second):
        await store.create(turn, "title")
        for slot in range(16):
            await store.append(turn, a_batch(slot, bytes(70_000), final=slot == 15))
    assert await store.delete(owner, first.conversation_id)
    assert await store.conversation(owner, first.conversation_id) is None
    assert (await store.conversations(owner, 10)).conversations == []
    assert await store.turns(owner, first.conversation_id) == []
    for turn in (first, second):
        assert await store.head(owner, turn.turn_id) is None
        assert await store.batches(turn) == []


async def test_second_delete_returns_false(store: Store, clock: Clock, owner: str) -> None:
    (made,) = await make_conversations(store, clock, owner, 1)
    assert await store.delete(owner, made)
    assert not await store.delete(owner, made)


async def test_delete_keeps_other_conversations(store: Store, clock: Clock, owner: str) -> None:
    kept, deleted = a_turn(clock, owner), a_turn(clock, owner)
    for turn in (kept, deleted):
        await store.create(turn, "title")
        await store.append(turn, a_batch())
    await store.delete(owner, deleted.conversation_id)
    assert await pages(store, owner, 10) == [[kept.conversation_id]]
    assert await store.turns(owner, kept.conversation_id) == [kept]
    assert await store.batches(kept) == [a_batch()]


@pytest.mark.parametrize("appended", [0, 2])
async def test_producer_of_deleted_turn_loses_slot(store: Store, clock: Clock, owner: str, appended: int) -> None:
    turn = a_turn(clock, owner)
    await store.create(turn, "title")
    for slot in range(appended):
        await store.append(turn, a_batch(slot))
    await store.request_stop(turn, appended)
    await store.delete(owner, turn.conversation_id)
    assert not await store.stop_requested(turn, appended)
    with pytest.raises(SlotTakenError):
        await store.append(turn, a_batch(appended))
    assert await store.batches(turn) == []
    assert await store.request_stop(turn, appended)  # it has ended


async def test_deleted_id_starts_over(store: Store, clock: Clock, owner: str) -> None:
    old = a_turn(clock, owner)
    await store.create(old, "title")
    await store.append(old, a_batch(0, b"old"))
    await store.request_stop(old, 1)
    await store.delete(owner, old.conversation_id)
    clock.now += 1
    new = replace(old, created_at=clock.now, expires_at=clock.now + DAY)
    assert await store.create(new, "title") == new
    assert [await store.append(new, a_batch(slot, b"new")) for slot in range(3)] == [False] * 3
    assert [batch.data for batch in await store.batches(new)] == [b"new"] * 3
    assert await store.delete(owner, new.conversation_id)
    assert [await store.batches(new, slot) for slot in range(3)] == [[]] * 3


async def test_old_producer_cannot_write_into_successor(store: Store, clock: Clock, owner: str) -> None:
    old = a_turn(clock, owner)
    await store.create(old, "title")
    await store.append(old, a_batch(0, b"old"))
    await store.delete(owner, old.conversation_id)
    clock.now += 1
    new = replace(old, created_at=clock.now, expires_at=clock.now + DAY)
    await store.create(new, "title")
    await store.append(new, a_batch(0, b"new"))
    with pytest.raises(SlotTakenError):
        await store.append(old, a_batch(1, b"old"))
    assert not await store.append(new, a_batch(1, b"new"))


async def test_conversation_lives_with_its_turns(store: Store, clock: Clock, owner: str) -> None:
    long = a_turn(clock, owner, expires_at=clock.now + 2 * DAY)
    short = a_turn(clock, owner, conversation_id=long.conversation_id, created_at=clock.now + 1)
    await store.create(long, "title")
    await store.create(short, "title")
    clock.now += DAY + 1
    assert await store.turns(owner, long.conversation_id) == [long]
    assert await store.conversation(owner, long.conversation_id) is not None
    clock.now += DAY
    assert await store.turns(owner, long.conversation_id) == []
    assert await store.conversation(owner, long.conversation_id) is None


async def test_a_turn_that_expires_early_leaves_the_others(store: Store, clock: Clock, owner: str) -> None:
    first = a_turn(clock, owner, expires_at=clock.now + 2 * DAY)
    failed = a_turn(clock, owner, conversation_id=first.conversation_id, expires_at=clock.now + 3 * DAY)
    later = replace(first, turn_id=new_id(), created_at=clock.now + 1)
    for turn in (first, failed):
        await store.create(turn, "title")
    await store.append(failed, a_batch(final=True, expires_at=clock.now + DAY))
    clock.now += DAY
    await store.create(later, "title")
    assert await store.turns(owner, first.conversation_id) == [first, later]
    assert await store.conversation(owner, first.conversation_id) is not None


async def test_conversation_goes_on_after_turn_that_expires_early(store: Store, clock: Clock, owner: str) -> None:
    failed = a_turn(clock, owner, expires_at=clock.now + 3 * DAY)
    await store.create(failed, "title")
    await store.append(failed, a_batch(final=True, expires_at=clock.now + DAY))
    again = a_turn(clock, owner, conversation_id=failed.conversation_id, expires_at=clock.now + 3 * DAY)
    await store.create(again, "title")
    clock.now += 2 * DAY
    assert await store.turns(owner, failed.conversation_id) == [again]
    assert [line.title for line in (await store.conversations(owner, 9)).conversations] == ["title"]


async def test_expired_conversation_is_none(store: Store, clock: Clock, owner: str) -> None:
    (made,) = await make_conversations(store, clock, owner, 1)
    clock.now += DAY
    assert await store.conversation(owner, made) is None
    assert await pages(store, owner, 10) == [[]]
    assert not await store.rename(owner, made, "other")
    assert not await store.delete(owner, made)


async def test_expired_conversation_starts_over(store: Store, clock: Clock, owner: str) -> None:
    (made,) = await make_conversations(store, clock, owner, 1)
    clock.now += DAY
    turn = a_turn(clock, owner, conversation_id=made)
    await store.create(turn, "new")
    assert await store.conversation(owner, made) == Conversation(made, owner, "new", clock.now, clock.now)
    assert await store.turns(owner, made) == [turn]


async def test_expired_conversations_do_not_shorten_page(store: Store, clock: Clock, owner: str) -> None:
    turns = [a_turn(clock, owner, created_at=clock.now + n, expires_at=clock.now + (1 + n % 2) * DAY) for n in range(8)]
    for turn in turns:
        await store.create(turn, "title")
    clock.now += DAY
    alive = [turn.conversation_id for turn in reversed(turns) if turn.expires_at > clock.now]
    assert await pages(store, owner, 3) == [alive[:3], alive[3:]]
