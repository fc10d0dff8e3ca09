"""The data of version 0.1.0 can be read, continued, stopped and deleted."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.chat import log_format
from app.contract import End, Text
from app.store import SlotTakenError, Store, TurnHead
from app.store.dynamodb.store import DynamoDBStore
from app.store.sqlite.store import SQLiteStore
from tests.app.store.conftest import DynamoDB
from tests.app.store.makers import DAY, Clock, a_batch, a_turn, new_id
from tests.app.store.old_data import ANOTHERS, BRANCH, DYING, FOLLOWING, GREETING, old_file, old_table

OWNER, CONVERSATION = GREETING.owner, GREETING.conversation_id


@pytest.fixture(params=["sqlite", "dynamodb"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    if request.param == "sqlite":
        store: Store = SQLiteStore(old_file(tmp_path / "rivulet.db"), clock=clock)
    else:
        dynamodb: DynamoDB = request.getfixturevalue("dynamodb")
        store = DynamoDBStore(old_table(dynamodb.client), dynamodb.client, clock=clock)
    yield store
    await store.close()


async def answer(store: Store, turn: TurnHead) -> tuple[str, str | None]:
    """Returns the text, and the status if there is an end."""
    events = [numbered for batch in await store.batches(turn) for numbered in log_format.decode(batch.data)]
    text = "".join(event.delta for _, event in events if isinstance(event, Text))
    return text, next((event.status for _, event in events if isinstance(event, End)), None)


async def found(store: Store, turn: TurnHead) -> TurnHead:
    head = await store.head(turn.owner, turn.turn_id)
    assert head is not None
    return head


async def test_old_turns_are_found_with_their_answers(store: Store) -> None:
    for turn, text, status in (
        (GREETING, "Hi, Ada!\nBye.", "completed"),
        (FOLLOWING, "Then?", "completed"),
        (BRANCH, "Once", "stopped"),
        (DYING, "More", None),
        (ANOTHERS, "Yours", "completed"),
    ):
        head = await found(store, turn)
        assert head == turn
        assert await answer(store, head) == (text, status)


async def test_old_conversations_are_listed_with_their_turns(store: Store) -> None:
    listed = (await store.conversations(OWNER, 10)).conversations
    assert [(line.title, line.updated_at) for line in listed] == [
        ("Tell me more", DYING.created_at),
        ("Greetings", FOLLOWING.created_at),
    ]
    assert await store.turns(OWNER, CONVERSATION) == [GREETING, BRANCH, FOLLOWING]
    assert await store.turns(ANOTHERS.owner, CONVERSATION) == [ANOTHERS]


async def test_old_and_new_turns_are_paged_together(store: Store, clock: Clock) -> None:
    between = a_turn(clock, OWNER, conversation_id=CONVERSATION, created_at=BRANCH.created_at + 1)
    last = a_turn(clock, OWNER, conversation_id=CONVERSATION, parent_turn_id=FOLLOWING.turn_id)
    for turn in (last, between):
        await store.create(turn, "not this title")
    pages: list[list[TurnHead]] = [await store.turns(OWNER, CONVERSATION, limit=2)]
    while len(pages[-1]) == 2:
        pages.append(await store.turns(OWNER, CONVERSATION, limit=2, after=pages[-1][-1]))
    assert pages == [[GREETING, BRANCH], [between, FOLLOWING], [last]]
    listed = (await store.conversations(OWNER, 10)).conversations
    assert [line.title for line in listed] == ["Greetings", "Tell me more"]


async def test_an_old_turn_is_asked_once(store: Store, clock: Clock) -> None:
    again = replace(GREETING, producer="p2", created_at=clock.now, expires_at=clock.now + DAY)
    kept = await store.create(again, "title")
    assert kept == GREETING
    assert await answer(store, kept) == ("Hi, Ada!\nBye.", "completed")
    assert await store.turns(OWNER, CONVERSATION) == [GREETING, BRANCH, FOLLOWING]


async def test_an_old_id_of_another_owner_is_free(store: Store, clock: Clock) -> None:
    assert await store.head(OWNER, ANOTHERS.turn_id) is None
    mine = a_turn(clock, OWNER, turn_id=ANOTHERS.turn_id, conversation_id=CONVERSATION)
    assert await store.create(mine, "title") == mine
    await store.append(mine, a_batch(data=b"mine"))
    assert [batch.data for batch in await store.batches(mine)] == [b"mine"]
    assert await store.delete(OWNER, CONVERSATION)
    assert await answer(store, await found(store, ANOTHERS)) == ("Yours", "completed")


async def test_an_old_turn_that_runs_is_stopped(store: Store) -> None:
    turn = await found(store, DYING)
    assert await store.request_stop(turn, 1)
    assert await store.stop_requested(turn, 1)
    assert await store.append(turn, a_batch(1, writer="p", final=True))
    assert await store.batches(turn, 1) == [a_batch(1, writer="p", final=True)]


async def test_an_old_turn_whose_producer_died_is_ended(store: Store) -> None:
    turn = await found(store, DYING)
    await store.append(turn, a_batch(1, writer="a reader", final=True))
    with pytest.raises(SlotTakenError):
        await store.append(turn, a_batch(1, writer="p"))


async def test_an_old_turn_expires_early(store: Store, clock: Clock) -> None:
    turn = await found(store, DYING)
    await store.append(turn, a_batch(1, final=True, expires_at=clock.now + DAY))
    assert await store.head(OWNER, turn.turn_id) == DYING
    clock.now += DAY
    assert await store.head(OWNER, turn.turn_id) is None
    assert await store.conversation(OWNER, turn.conversation_id) is None


async def test_an_old_conversation_is_deleted_whole(store: Store) -> None:
    turns = await store.turns(OWNER, CONVERSATION)
    assert await store.delete(OWNER, CONVERSATION)
    assert await store.turns(OWNER, CONVERSATION) == []
    for turn in turns:
        assert await store.head(OWNER, turn.turn_id) is None
        assert await store.batches(turn) == []
    assert not await store.delete(OWNER, CONVERSATION)
    assert await store.turns(ANOTHERS.owner, CONVERSATION) == [ANOTHERS]


async def test_who_produces_an_old_deleted_turn_is_fenced(store: Store) -> None:
    turn = await found(store, DYING)
    await store.delete(OWNER, turn.conversation_id)
    with pytest.raises(SlotTakenError):
        await store.append(turn, a_batch(1, writer="p"))


async def test_old_conversations_are_renamed(store: Store) -> None:
    assert await store.rename(OWNER, CONVERSATION, "Other")
    line = await store.conversation(OWNER, CONVERSATION)
    assert line
    assert (line.title, line.created_at) == ("Other", GREETING.created_at)
    assert await store.conversation(OWNER, new_id()) is None
