"""Only DynamoDB: its operations, its limits, the items in the table."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from app.store import StoreSetupError, StoreUnavailableError
from app.store.dynamodb import conversations, turns
from app.store.dynamodb.client import calls_of, make_client
from app.store.dynamodb.items import VERSION, Reference, reference_key
from app.store.dynamodb.store import DynamoDBStore
from app.store.dynamodb.table import Call, Table
from tests.app.store.conftest import DynamoDB, client_of, use_endpoint
from tests.app.store.faulty import Fault, FaultyDynamoDB, faulty_dynamodb
from tests.app.store.makers import Clock, a_batch, a_turn, new_id
from tests.infra.processes import wait_until

# the function's policy must allow these
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
    """Records the store's requests to DynamoDB."""
    server.clear()
    return server


@pytest.fixture
async def store(asked: FaultyDynamoDB, dynamodb: DynamoDB, client: Any, clock: Clock) -> AsyncIterator[DynamoDBStore]:
    del asked
    store = DynamoDBStore(dynamodb.table, client, clock=clock)
    yield store
    await store.close()


async def test_life_cycle_needs_no_scan(store: DynamoDBStore, asked: FaultyDynamoDB, clock: Clock, owner: str) -> None:
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
    assert [part["ConsistentRead"] for part in parts] == [True] * 7


async def test_append_is_one_update(store: DynamoDBStore, asked: FaultyDynamoDB, clock: Clock, owner: str) -> None:
    turn = await store.create(a_turn(clock, owner), "title")
    asked.requests.clear()
    await store.append(turn, a_batch())
    assert asked.operations == ["UpdateItem"]


async def test_delete_is_split_into_batches(
    store: DynamoDBStore, asked: FaultyDynamoDB, dynamodb: DynamoDB, clock: Clock, owner: str
) -> None:
    turn = await store.create(a_turn(clock, owner), "title")
    for slot in range(30):
        await store.append(turn, a_batch(slot, final=slot == 29))
    await store.delete(owner, turn.conversation_id)
    sizes = [len(*body["RequestItems"].values()) for name, body in asked.requests if name == "BatchWriteItem"]
    assert sizes == [25, 5, 1]  # the log, the reference
    assert dynamodb.turn_items(turn) == []


async def test_every_item_has_version_and_expiry(
    store: DynamoDBStore, dynamodb: DynamoDB, clock: Clock, owner: str
) -> None:
    turn = await store.create(a_turn(clock, owner, expires_at=clock.now + 99.5), "title")
    await store.append(turn, a_batch(0))
    await store.request_stop(turn, 1)
    partitions = [f"CONV#{owner}#{turn.conversation_id}", f"USER#{owner}"]
    items = [*dynamodb.turn_items(turn), *(item for name in partitions for item in dynamodb.items(name))]
    assert [(item["v"], item["x"]) for item in items] == [({"N": "1"}, {"N": str(int(clock.now) + 100)})] * 5


async def test_fence_of_deleted_turn_expires_soon(
    store: DynamoDBStore, dynamodb: DynamoDB, clock: Clock, owner: str
) -> None:
    turn = await store.create(a_turn(clock, owner), "title")
    await store.delete(owner, turn.conversation_id)
    (left,) = dynamodb.turn_items(turn)
    assert left["x"] == {"N": str(int(clock.now) + 3600)}


async def test_item_of_newer_version_is_refused(
    store: DynamoDBStore, dynamodb: DynamoDB, clock: Clock, owner: str
) -> None:
    turn = await store.create(a_turn(clock, owner), "title")
    head = dynamodb.turn_items(turn)[0]
    dynamodb.client.put_item(TableName=dynamodb.table, Item=head | {"v": {"N": str(VERSION + 1)}})
    with pytest.raises(StoreUnavailableError, match="version 2, of a newer Rivulet"):
        await store.head(owner, turn.turn_id)


async def test_foreign_turn_reference_is_skipped(
    store: DynamoDBStore, dynamodb: DynamoDB, clock: Clock, owner: str
) -> None:
    """It is left if two processes create a turn of one id
    concurrently, and one of them crashes.
    """
    kept = await store.create(a_turn(clock, owner), "title")
    await store.append(kept, a_batch())
    other = await store.create(a_turn(clock, owner), "title")
    (reference,) = dynamodb.items(f"CONV#{owner}#{other.conversation_id}")
    for created_at in (kept.created_at, kept.created_at - 1):  # of the turn, and of an earlier attempt at it
        _, stale = reference_key(owner, other.conversation_id, Reference(created_at, kept.turn_id))
        dynamodb.client.put_item(TableName=dynamodb.table, Item=reference | {"sk": {"S": stale}})
    assert await store.turns(owner, other.conversation_id) == [other]
    assert await store.delete(owner, other.conversation_id)
    assert await store.head(owner, kept.turn_id) == kept
    assert await store.batches(kept) == [a_batch()]


async def test_an_attempt_that_crashed_leaves_each_turn_once(
    store: DynamoDBStore, dynamodb: DynamoDB, clock: Clock, owner: str
) -> None:
    turn = await store.create(a_turn(clock, owner), "title")
    (reference,) = dynamodb.items(f"CONV#{owner}#{turn.conversation_id}")
    _, stale = reference_key(owner, turn.conversation_id, Reference(turn.created_at - 1, turn.turn_id))
    dynamodb.client.put_item(TableName=dynamodb.table, Item=reference | {"sk": {"S": stale}})
    assert await store.turns(owner, turn.conversation_id, limit=1) == [turn]
    assert await store.turns(owner, turn.conversation_id, limit=1, after=turn) == []


async def test_page_of_turns_reads_only_its_items(
    store: DynamoDBStore, asked: FaultyDynamoDB, dynamodb: DynamoDB, clock: Clock, owner: str
) -> None:
    first = a_turn(clock, owner)
    later = [
        a_turn(clock, owner, conversation_id=first.conversation_id, created_at=clock.now + seconds)
        for seconds in range(1, 8)
    ]
    for turn in (first, *later):
        await store.create(turn, "title")
    asked.requests.clear()
    assert await store.turns(owner, first.conversation_id, limit=3, after=first) == later[:3]
    reads = [len(body["RequestItems"][dynamodb.table]["Keys"]) for name, body in asked.requests if "Batch" in name]
    assert reads == [3]


Encounter = tuple[str, str, Callable[[], object]]


def meeting(call: Call, encounters: list[Encounter]) -> Call:
    """The same calls; another action runs before the first
    operation on such a sort key.
    """

    def meet(operation: str, **request: Any) -> dict[str, Any]:
        key = (request.get("Key") or request.get("Item") or {"sk": {"S": ""}})["sk"]["S"]
        for encounter in encounters:
            if operation == encounter[0] and key.startswith(encounter[1]):
                encounters.remove(encounter)
                encounter[2]()
                break
        return call(operation, **request)

    return meet


def test_turn_added_during_delete_is_deleted(dynamodb: DynamoDB, clock: Clock, owner: str) -> None:
    call = calls_of(dynamodb.client)
    table = Table(call, dynamodb.table)
    first = turns.create(table, a_turn(clock, owner), "title", clock.now)
    late = a_turn(clock, owner, conversation_id=first.conversation_id)
    encounters: list[Encounter] = [("delete_item", "CONV#", lambda: turns.create(table, late, "title", clock.now))]
    assert turns.delete(Table(meeting(call, encounters), dynamodb.table), owner, first.conversation_id, clock.now)
    assert not encounters
    assert turns.find(table, owner, late.turn_id, clock.now) is None
    assert conversations.find(table, owner, first.conversation_id, clock.now) is None


def test_second_create_keeps_conversation_in_use(dynamodb: DynamoDB, clock: Clock, owner: str) -> None:
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
    assert turns.list_turns(table, owner, loser.conversation_id, clock.now) == [other]


async def test_hanging_request_does_not_block_others(
    store: DynamoDBStore, asked: FaultyDynamoDB, clock: Clock, owner: str
) -> None:
    turn = await store.create(a_turn(clock, owner), "title")
    asked.faults.append(Fault.SILENT)
    appending = asyncio.create_task(store.append(turn, a_batch()))
    await asyncio.to_thread(wait_until, lambda: not asked.faults, "the append has been sent")
    assert await store.head(owner, turn.turn_id) == turn
    assert not appending.done()
    assert not await appending


async def test_endpoint_comes_from_environment(dynamodb: DynamoDB, monkeypatch: pytest.MonkeyPatch) -> None:
    use_endpoint(monkeypatch, dynamodb.endpoint)
    assert make_client(1).meta.endpoint_url == dynamodb.endpoint  # type: ignore[attr-defined] # boto3 has no types
    store = DynamoDBStore(dynamodb.table)
    assert await store.head("nobody", new_id()) is None
    await store.close()


def test_missing_region_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(StoreSetupError, match="You must specify a region"):
        DynamoDBStore("table")


def test_boto3_is_imported_on_demand() -> None:
    program = "import sys, app.store.dynamodb.store; print({'boto3', 'botocore'} & sys.modules.keys())"
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "set()\n"
