"""What is DynamoDB's alone: its operations, its limits, what lies in the table."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from app.store import StoreSetupError, StoreUnavailableError
from app.store import dynamodb_conversations as conversations
from app.store import dynamodb_turns as turns
from app.store.dynamodb import DynamoDBStore
from app.store.dynamodb_client import calls_of, make_client
from app.store.dynamodb_items import VERSION
from app.store.dynamodb_table import Call, Table
from tests.app.store.conftest import DynamoDB, client_of, use_endpoint
from tests.app.store.faulty import Fault, FaultyDynamoDB, faulty_dynamodb
from tests.app.store.makers import Clock, a_batch, a_turn, new_id
from tests.infra.processes import wait_until

# what the function's policy has to allow
OPERATIONS = {"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "BatchGetItem", "BatchWriteItem"}


@pytest.fixture(scope="module")
def server(dynamodb: DynamoDB) -> Iterator[FaultyDynamoDB]:
    with faulty_dynamodb(dynamodb.endpoint) as faulty:
        yield faulty


@pytest.fixture(scope="module")
def client(server: FaultyDynamoDB) -> Any:
    return client_of(server.url, read_timeout=2)


@pytest.fixture
def asked(server: FaultyDynamoDB) -> FaultyDynamoDB:
    """What the store asks of DynamoDB."""
    server.clear()
    return server


@pytest.fixture
async def store(asked: FaultyDynamoDB, dynamodb: DynamoDB, client: Any, clock: Clock) -> AsyncIterator[DynamoDBStore]:
    del asked
    store = DynamoDBStore(dynamodb.table, client, clock=clock)
    yield store
    await store.close()


async def test_a_whole_life_takes_these_operations_and_no_scan(
    store: DynamoDBStore, asked: FaultyDynamoDB, clock: Clock, owner: str
) -> None:
    turn = await store.create(a_turn(clock, owner), "title")
    await store.append(turn, a_batch())
    await store.request_stop(turn, 1)
    await store.stop_requested(turn, 1)
    await store.batches(turn)
    await store.head(owner, turn.turn_id)
    await store.conversations(owner, 10)
    await store.conversation(owner, turn.conversation_id)
    await store.turns(owner, turn.conversation_id)
    await store.rename(owner, turn.conversation_id, "other")
    await store.delete(owner, turn.conversation_id)
    assert set(asked.operations) == OPERATIONS


async def test_every_read_is_consistent(
    store: DynamoDBStore, asked: FaultyDynamoDB, dynamodb: DynamoDB, clock: Clock, owner: str
) -> None:
    turn = await store.create(a_turn(clock, owner), "title")
    await store.batches(turn)
    await store.conversations(owner, 10)
    await store.turns(owner, turn.conversation_id)
    reads = [(name, body) for name, body in asked.requests if name in {"GetItem", "Query", "BatchGetItem"}]
    parts = [body["RequestItems"][dynamodb.table] if name == "BatchGetItem" else body for name, body in reads]
    assert [part["ConsistentRead"] for part in parts] == [True] * 6


async def test_an_append_is_one_update(store: DynamoDBStore, asked: FaultyDynamoDB, clock: Clock, owner: str) -> None:
    turn = await store.create(a_turn(clock, owner), "title")
    asked.requests.clear()
    await store.append(turn, a_batch())
    assert asked.operations == ["UpdateItem"]


async def test_a_batch_is_deleted_in_parts_that_dynamodb_takes(
    store: DynamoDBStore, asked: FaultyDynamoDB, dynamodb: DynamoDB, clock: Clock, owner: str
) -> None:
    turn = await store.create(a_turn(clock, owner), "title")
    for slot in range(30):
        await store.append(turn, a_batch(slot, final=slot == 29))
    await store.delete(owner, turn.conversation_id)
    sizes = [len(*body["RequestItems"].values()) for name, body in asked.requests if name == "BatchWriteItem"]
    assert sizes == [25, 5, 1]  # the log, the reference
    assert dynamodb.items(f"TURN#{turn.turn_id}") == []


async def test_every_item_has_a_version_and_expires_with_its_turn(
    store: DynamoDBStore, dynamodb: DynamoDB, clock: Clock, owner: str
) -> None:
    turn = await store.create(a_turn(clock, owner, expires_at=clock.now + 99.5), "title")
    await store.append(turn, a_batch(0))
    await store.request_stop(turn, 1)
    partitions = [f"TURN#{turn.turn_id}", f"CONV#{owner}#{turn.conversation_id}", f"USER#{owner}"]
    items = [item for name in partitions for item in dynamodb.items(name)]
    assert [(item["v"], item["x"]) for item in items] == [({"N": "1"}, {"N": str(int(clock.now) + 100)})] * 5


async def test_what_keeps_a_producer_from_a_deleted_turn_expires_soon(
    store: DynamoDBStore, dynamodb: DynamoDB, clock: Clock, owner: str
) -> None:
    turn = await store.create(a_turn(clock, owner), "title")
    await store.delete(owner, turn.conversation_id)
    (left,) = dynamodb.items(f"TURN#{turn.turn_id}")
    assert left["x"] == {"N": str(int(clock.now) + 3600)}


async def test_an_item_of_a_newer_version_is_not_guessed_at(
    store: DynamoDBStore, dynamodb: DynamoDB, clock: Clock, owner: str
) -> None:
    turn = await store.create(a_turn(clock, owner), "title")
    head = dynamodb.items(f"TURN#{turn.turn_id}")[0]
    dynamodb.client.put_item(TableName=dynamodb.table, Item=head | {"v": {"N": str(VERSION + 1)}})
    with pytest.raises(StoreUnavailableError, match="version 2, of a newer Rivulet"):
        await store.head(owner, turn.turn_id)


async def test_a_reference_to_another_conversations_turn_is_skipped_and_deletes_nothing(
    store: DynamoDBStore, dynamodb: DynamoDB, clock: Clock, owner: str
) -> None:
    """It is left where two create a turn of one id at the same moment, and one of them crashes."""
    theirs = await store.create(a_turn(clock, f"not {owner}"), "title")
    await store.append(theirs, a_batch())
    mine = await store.create(a_turn(clock, owner), "title")
    (reference,) = dynamodb.items(f"CONV#{owner}#{mine.conversation_id}")
    stale = reference | {"sk": {"S": f"TURN#{theirs.turn_id}"}}
    dynamodb.client.put_item(TableName=dynamodb.table, Item=stale)
    assert await store.turns(owner, mine.conversation_id) == [mine]
    assert await store.delete(owner, mine.conversation_id)
    assert await store.head(theirs.owner, theirs.turn_id) == theirs
    assert await store.batches(theirs) == [a_batch()]


Encounter = tuple[str, str, Callable[[], object]]


def meeting(call: Call, encounters: list[Encounter]) -> Call:
    """The same calls; just before the first of each operation on such a sort key, something else happens."""

    def meet(operation: str, **request: Any) -> dict[str, Any]:
        key = (request.get("Key") or request.get("Item") or {"sk": {"S": ""}})["sk"]["S"]
        for encounter in encounters:
            if operation == encounter[0] and key.startswith(encounter[1]):
                encounters.remove(encounter)
                encounter[2]()
                break
        return call(operation, **request)

    return meet


def test_a_turn_that_comes_while_its_conversation_is_deleted_goes_with_it(
    dynamodb: DynamoDB, clock: Clock, owner: str
) -> None:
    call = calls_of(dynamodb.client)
    table = Table(call, dynamodb.table)
    first = turns.create(table, a_turn(clock, owner), "title", clock.now)
    late = a_turn(clock, owner, conversation_id=first.conversation_id)
    encounters: list[Encounter] = [("delete_item", "CONV#", lambda: turns.create(table, late, "title", clock.now))]
    assert turns.delete(Table(meeting(call, encounters), dynamodb.table), owner, first.conversation_id, clock.now)
    assert not encounters
    assert turns.find(table, late.turn_id, clock.now) is None
    assert conversations.find(table, owner, first.conversation_id, clock.now) is None


def test_a_create_that_comes_second_leaves_a_conversation_that_others_use_by_then(
    dynamodb: DynamoDB, clock: Clock, owner: str
) -> None:
    call = calls_of(dynamodb.client)
    table = Table(call, dynamodb.table)
    winner = a_turn(clock, owner)
    loser = a_turn(clock, owner, turn_id=winner.turn_id)
    other = a_turn(clock, owner, conversation_id=loser.conversation_id)
    encounters: list[Encounter] = [
        ("put_item", "HEAD", lambda: turns.create(table, winner, "title", clock.now)),
        ("delete_item", "CONV#", lambda: turns.create(table, other, "title", clock.now)),
    ]
    assert turns.create(Table(meeting(call, encounters), dynamodb.table), loser, "title", clock.now) == winner
    assert not encounters
    assert turns.listed(table, owner, loser.conversation_id, clock.now) == [other]


@pytest.mark.parametrize("field", ["message", "instructions"])
async def test_a_turn_that_no_item_can_hold_is_a_value_error_before_anything_is_written(
    store: DynamoDBStore, asked: FaultyDynamoDB, clock: Clock, owner: str, field: str
) -> None:
    with pytest.raises(ValueError, match=r"an item of \d+ bytes: DynamoDB takes 409600"):
        await store.create(a_turn(clock, owner, **{field: "ä" * 204_800}), "title")
    assert asked.operations == []


async def test_a_turn_that_an_item_just_holds_is_kept(store: DynamoDBStore, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner, message="ä" * 200_000)
    assert await store.create(turn, "title") == turn
    assert await store.turns(owner, turn.conversation_id) == [turn]


async def test_a_title_that_no_item_can_hold_is_a_value_error(store: DynamoDBStore, clock: Clock, owner: str) -> None:
    turn = a_turn(clock, owner)
    with pytest.raises(ValueError, match="an item of"):
        await store.create(turn, "t" * 409_600)
    await store.create(turn, "title")
    with pytest.raises(ValueError, match="an item of"):
        await store.rename(owner, turn.conversation_id, "t" * 409_600)


async def test_an_id_that_no_key_can_hold_is_a_value_error(store: DynamoDBStore, owner: str) -> None:
    with pytest.raises(ValueError, match="an id makes a key of more than 2048 bytes"):
        await store.head(owner, "t" * 3000)


async def test_one_request_without_an_answer_holds_nobody_else_up(
    store: DynamoDBStore, asked: FaultyDynamoDB, clock: Clock, owner: str
) -> None:
    turn = await store.create(a_turn(clock, owner), "title")
    asked.faults.append(Fault.SILENT)
    appending = asyncio.create_task(store.append(turn, a_batch()))
    await asyncio.to_thread(wait_until, lambda: not asked.faults, "the append has been sent")
    assert await store.head(owner, turn.turn_id) == turn
    assert not appending.done()
    assert not await appending


async def test_the_environment_says_where_dynamodb_is(dynamodb: DynamoDB, monkeypatch: pytest.MonkeyPatch) -> None:
    use_endpoint(monkeypatch, dynamodb.endpoint)
    assert make_client(1).meta.endpoint_url == dynamodb.endpoint  # type: ignore[attr-defined] # boto3 has no types
    store = DynamoDBStore(dynamodb.table)
    assert await store.head("nobody", new_id()) is None
    await store.close()


def test_a_region_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(StoreSetupError, match="You must specify a region"):
        DynamoDBStore("table")


def test_nobody_pays_for_boto3_who_makes_no_such_store() -> None:
    program = "import sys, app.store.dynamodb; print({'boto3', 'botocore'} & sys.modules.keys())"
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "set()\n"
