"""The write units of an answer of 20 seconds in DynamoDB."""

import json

import pytest

from app.store import TurnHead
from app.store.dynamodb.store import DynamoDBStore
from tests.app.store.conftest import DynamoDB
from tests.app.store.makers import Clock, a_batch, a_turn, new_id
from tests.app.store.meter import Meter

BATCHES = 40  # one every half second
TITLE = "What is the meaning of the life that we lead?"
FRAMING = b'{"events":[0,{"event":"text"}],"more":0}'


def a_batch_of_25_tokens() -> bytes:
    return FRAMING + json.dumps([" words"] * 25).encode()


@pytest.fixture
def meter(dynamodb: DynamoDB) -> Meter:
    return Meter(dynamodb.client, "u")


def question(clock: Clock, owner: str, **changes: object) -> TurnHead:
    return a_turn(clock, owner, message="m" * 200, producer=new_id(), **changes)


async def test_answer_of_20_seconds_takes_44_units(dynamodb: DynamoDB, meter: Meter, clock: Clock, owner: str) -> None:
    store = DynamoDBStore(dynamodb.table, meter, clock=clock)
    turn = await store.create(question(clock, owner), TITLE)
    for slot in range(BATCHES):
        await store.append(turn, a_batch(slot, a_batch_of_25_tokens(), writer=turn.producer, final=slot == BATCHES - 1))
    await store.close()
    assert meter.units == [
        ("update_item CONV", 2),
        ("put_item AT", 1),
        ("put_item HEAD", 1),
        *[("update_item LOG", 1)] * BATCHES,
    ]


async def test_answer_in_conversation_takes_one_more(
    dynamodb: DynamoDB, meter: Meter, clock: Clock, owner: str
) -> None:
    store = DynamoDBStore(dynamodb.table, meter, clock=clock)
    first = await store.create(question(clock, owner), TITLE)
    clock.now += 60
    meter.units.clear()
    await store.create(question(clock, owner, conversation_id=first.conversation_id), TITLE)
    await store.close()
    assert meter.units == [("update_item CONV", 3), ("put_item AT", 1), ("put_item HEAD", 1)]


async def test_lone_early_failure_takes_three_more(dynamodb: DynamoDB, meter: Meter, clock: Clock, owner: str) -> None:
    """One for the head, and two for the line in the list, which has no other turn."""
    store = DynamoDBStore(dynamodb.table, meter, clock=clock)
    first = await store.create(question(clock, owner), TITLE)
    meter.units.clear()
    await store.append(first, a_batch(final=True, expires_at=clock.now + 60))
    assert meter.units == [("update_item LOG", 1), ("update_item HEAD", 1), ("update_item CONV", 2)]
    second = await store.create(question(clock, owner, conversation_id=first.conversation_id), TITLE)
    meter.units.clear()
    await store.append(second, a_batch(final=True, expires_at=clock.now + 60))
    await store.close()
    assert meter.units == [("update_item LOG", 1), ("update_item HEAD", 1)]
