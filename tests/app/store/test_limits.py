"""Both stores have the same limits: beyond them nothing is
stored, and nothing is found.
"""

import base64
import struct
from typing import Any

import pytest

from app.store import Store
from app.store.cursor import MAX_ID_BYTES
from app.store.rules import MAX_OWNER_BYTES, MAX_SLOT, MAX_TEXT_BYTES, MAX_TIME
from tests.app.store.makers import DAY, Clock, a_batch, a_turn, new_id

IMPOSSIBLE_IDS = ["", "a" * (MAX_ID_BYTES + 1), "ä" * (MAX_ID_BYTES // 2 + 1), "a" * 3000, "\ud83d"]
IMPOSSIBLE_TIMES = [float("nan"), float("inf"), -1.0, 5e-324, MAX_TIME * 2, 1e200]


@pytest.mark.parametrize("impossible", IMPOSSIBLE_IDS, ids=ascii)
async def test_nothing_has_an_impossible_id(store: Store, clock: Clock, owner: str, impossible: str) -> None:
    await store.create(a_turn(clock, owner), "title")
    for ids in ((owner, impossible), (impossible * 2, new_id())):
        assert await store.head(*ids) is None
        assert await store.conversation(*ids) is None
        assert await store.turns(*ids) == []
        assert not await store.rename(*ids, "title")
        assert not await store.delete(*ids)


@pytest.mark.parametrize("field", ["turn_id", "conversation_id", "parent_turn_id"])
@pytest.mark.parametrize("impossible", IMPOSSIBLE_IDS[1:], ids=ascii)
async def test_an_impossible_id_is_not_stored(
    store: Store, clock: Clock, owner: str, field: str, impossible: str
) -> None:
    with pytest.raises(ValueError, match="an id is empty or too long"):
        await store.create(a_turn(clock, owner, **{field: impossible}), "title")
    assert (await store.conversations(owner, 10)).conversations == []


@pytest.mark.parametrize("field", ["created_at", "expires_at"])
@pytest.mark.parametrize("impossible", IMPOSSIBLE_TIMES)
async def test_an_impossible_time_is_not_stored(
    store: Store, clock: Clock, owner: str, field: str, impossible: float
) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        await store.create(a_turn(clock, owner, **{field: impossible}), "title")
    assert (await store.conversations(owner, 10)).conversations == []


@pytest.mark.parametrize("field", ["lease_until", "expires_at"])
@pytest.mark.parametrize("impossible", IMPOSSIBLE_TIMES)
async def test_an_impossible_time_is_not_appended(
    store: Store, clock: Clock, owner: str, field: str, impossible: float
) -> None:
    turn = await store.create(a_turn(clock, owner), "title")
    changes: dict[str, Any] = {field: impossible}
    with pytest.raises(ValueError, match="is not a time"):
        await store.append(turn, a_batch(**changes))
    assert await store.batches(turn) == []


@pytest.mark.parametrize("field", ["message", "instructions", "model", "producer"])
@pytest.mark.parametrize("text", ["ä" * (MAX_TEXT_BYTES // 2), "a\udc00"], ids=["too long", "half a pair"])
async def test_texts_that_no_item_holds_are_not_stored(
    store: Store, clock: Clock, owner: str, field: str, text: str
) -> None:
    with pytest.raises(ValueError, match="texts of"):
        await store.create(a_turn(clock, owner, **{field: text}), "title")
    assert (await store.conversations(owner, 10)).conversations == []


async def test_title_that_no_item_holds_is_not_stored(store: Store, clock: Clock, owner: str) -> None:
    turn, title = a_turn(clock, owner), "t" * (MAX_TEXT_BYTES + 1)
    with pytest.raises(ValueError, match="texts of"):
        await store.create(turn, title)
    await store.create(turn, "title")
    with pytest.raises(ValueError, match="texts of"):
        await store.rename(owner, turn.conversation_id, title)


@pytest.mark.parametrize("character", ["a", "#", "%", "ä", "\x00", "\U0001f469"])
async def test_the_largest_possible_turn_is_stored(store: Store, clock: Clock, character: str) -> None:
    """A user with a new owner and new ids, apart from other tests."""
    owner, some_id = filled(new_id() + character, MAX_OWNER_BYTES), filled(character, MAX_ID_BYTES)
    room = MAX_TEXT_BYTES - len((owner + some_id * 3).encode()) - 100
    parts: dict[str, Any] = {"turn_id": some_id, "conversation_id": some_id, "parent_turn_id": some_id}
    turn = a_turn(clock, owner, **parts, message=filled(character, room), expires_at=MAX_TIME)
    assert await store.create(turn, filled(character, MAX_TEXT_BYTES)) == turn
    assert await store.head(owner, some_id) == turn
    assert await store.turns(owner, some_id) == [turn]
    assert not await store.append(turn, a_batch())
    assert await store.conversations(owner, 1, (await store.conversations(owner, 1)).cursor)
    assert await store.delete(owner, some_id)


@pytest.mark.parametrize("time", [0.0, 1e-100, 1 / 3, 1e11 - 2**-13])
async def test_possible_times_come_back_exactly(store: Store, clock: Clock, owner: str, time: float) -> None:
    ids = [new_id(), new_id()]
    for some_id in ids:
        turn = a_turn(clock, owner, conversation_id=some_id, created_at=time, expires_at=clock.now + DAY + 1 / 3)
        await store.create(turn, "title")
        assert await store.head(owner, turn.turn_id) == turn
    first = await store.conversations(owner, 1)
    second = await store.conversations(owner, 1, first.cursor)
    lines = [*first.conversations, *second.conversations]
    assert {line.conversation_id for line in lines} == set(ids)
    assert [line.updated_at for line in lines] == [time, time]


@pytest.mark.parametrize("time", [5e-324, 1e-131, -0.0, -1.0, 1e12, float("nan"), float("inf")])
async def test_a_cursor_of_an_impossible_time_is_none(store: Store, owner: str, time: float) -> None:
    cursor = base64.urlsafe_b64encode(struct.pack(">d", time) + b"x").rstrip(b"=").decode()
    with pytest.raises(ValueError, match="not a cursor"):
        await store.conversations(owner, 10, cursor)


@pytest.mark.parametrize("slot", [-1, MAX_SLOT + 1, 2**70])
async def test_an_impossible_slot_is_a_value_error(store: Store, clock: Clock, owner: str, slot: int) -> None:
    turn = await store.create(a_turn(clock, owner), "title")
    for call in (store.batches, store.stop_requested, store.request_stop):
        with pytest.raises(ValueError, match="is not between"):
            await call(turn, slot)


def filled(characters: str, size: int) -> str:
    """Returns the characters, the last one repeated up to this number of bytes."""
    last = characters[-1]
    return characters + last * ((size - len(characters.encode())) // len(last.encode()))
