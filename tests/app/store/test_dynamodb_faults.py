"""A DynamoDB that throttles, fails, hangs, loses answers or
processes half a request; on real sockets.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from app.store import StoreRefusedError, StoreUnavailableError, TurnHead
from app.store.dynamodb.client import ATTEMPTS
from app.store.dynamodb.store import DynamoDBStore
from tests.app.store.conftest import DynamoDB, client_of
from tests.app.store.faulty import Fault, FaultyDynamoDB, faulty_dynamodb
from tests.app.store.makers import Clock, a_batch, a_turn

PASSING = [fault for fault in Fault if fault not in (Fault.PASS, Fault.PARTLY, Fault.DENIED)]


@pytest.fixture(scope="module")
def server(dynamodb: DynamoDB) -> Iterator[FaultyDynamoDB]:
    with faulty_dynamodb(dynamodb.endpoint) as faulty:
        yield faulty


@pytest.fixture(scope="module")
def patient_client(server: FaultyDynamoDB) -> Any:
    return client_of(server.url, read_timeout=1)


@pytest.fixture(scope="module")
def impatient_client(server: FaultyDynamoDB) -> Any:
    return client_of(server.url, read_timeout=60, attempts=1)


@pytest.fixture
def faulty(server: FaultyDynamoDB) -> FaultyDynamoDB:
    server.clear()
    return server


@pytest.fixture
async def store(
    faulty: FaultyDynamoDB, patient_client: Any, dynamodb: DynamoDB, clock: Clock
) -> AsyncIterator[DynamoDBStore]:
    """A store with the default number of attempts."""
    del faulty
    store = DynamoDBStore(dynamodb.table, patient_client, clock=clock)
    yield store
    await store.close()


@pytest.fixture
async def impatient(
    faulty: FaultyDynamoDB, impatient_client: Any, dynamodb: DynamoDB, clock: Clock
) -> AsyncIterator[DynamoDBStore]:
    """A store with one attempt."""
    del faulty
    store = DynamoDBStore(dynamodb.table, impatient_client, clock=clock)
    yield store
    await store.close()


@pytest.fixture
async def turn(store: DynamoDBStore, faulty: FaultyDynamoDB, clock: Clock, owner: str) -> TurnHead:
    """A stored turn."""
    turn = await store.create(a_turn(clock, owner), "title")
    faulty.requests.clear()
    return turn


@pytest.mark.parametrize("fault", PASSING)
async def test_temporary_failure_is_retried(
    store: DynamoDBStore, faulty: FaultyDynamoDB, turn: TurnHead, fault: Fault
) -> None:
    await store.request_stop(turn, 0)
    faulty.faults.append(fault)
    assert await store.append(turn, a_batch())
    assert await store.batches(turn) == [a_batch()]
    assert faulty.operations == ["UpdateItem", "UpdateItem", "UpdateItem", "Query"]


@pytest.mark.parametrize("fault", PASSING)
async def test_lasting_failure_is_unavailable_after_three_attempts(
    store: DynamoDBStore, faulty: FaultyDynamoDB, turn: TurnHead, fault: Fault
) -> None:
    faulty.faults.extend([fault] * ATTEMPTS)
    with pytest.raises(StoreUnavailableError, match=r"^DynamoDB update_item: ") as caught:
        await store.append(turn, a_batch())
    assert not isinstance(caught.value, StoreRefusedError)
    assert faulty.operations == ["UpdateItem"] * ATTEMPTS
    assert not await store.append(turn, a_batch())


async def test_lasting_refusal_is_refused_at_once(store: DynamoDBStore, faulty: FaultyDynamoDB, turn: TurnHead) -> None:
    faulty.faults.append(Fault.DENIED)
    with pytest.raises(StoreRefusedError, match=r"^DynamoDB update_item: AccessDeniedException \(400\)$"):
        await store.append(turn, a_batch())
    assert faulty.operations == ["UpdateItem"]


async def test_missing_server_is_unavailable(dynamodb: DynamoDB, turn: TurnHead) -> None:
    store = DynamoDBStore(dynamodb.table, client_of("http://127.0.0.1:9", attempts=1))
    with pytest.raises(StoreUnavailableError, match="DynamoDB update_item: EndpointConnectionError"):
        await store.append(turn, a_batch())
    await store.close()


async def test_invalid_request_is_no_store_failure(dynamodb: DynamoDB) -> None:
    store = DynamoDBStore(dynamodb.table, dynamodb.client)
    with pytest.raises(Exception, match="ValidationException") as caught:
        await store._run(lambda table: table.get(("", "")))  # noqa: SLF001 - no method of the store can be wrong so
    assert not isinstance(caught.value, StoreUnavailableError)
    await store.close()


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.LOST])
@pytest.mark.parametrize("step", range(4))
async def test_repeated_create_completes_failed_one(
    impatient: DynamoDBStore, faulty: FaultyDynamoDB, clock: Clock, owner: str, fault: Fault, step: int
) -> None:
    turn = a_turn(clock, owner)
    faulty.faults.extend([Fault.PASS] * step + [fault])
    with pytest.raises(StoreUnavailableError):
        await impatient.create(turn, "title")
    assert faulty.operations == ["BatchGetItem", "UpdateItem", "PutItem", "PutItem"][: step + 1]
    is_there = (fault, step) == (Fault.LOST, 3)
    assert await impatient.turns(owner, turn.conversation_id) == [turn] * is_there
    assert await impatient.create(turn, "title") == turn
    assert await impatient.turns(owner, turn.conversation_id) == [turn]
    listed = await impatient.conversations(owner, 10)
    assert [line.title for line in listed.conversations] == ["title"]


async def test_repeated_delete_completes_failed_one(
    impatient: DynamoDBStore, faulty: FaultyDynamoDB, dynamodb: DynamoDB, clock: Clock, owner: str
) -> None:
    step, failed = 0, True
    while failed:
        turn = await impatient.create(a_turn(clock, owner), "title")
        await impatient.append(turn, a_batch())
        faulty.faults.extend([Fault.PASS] * step + [Fault.CUT])
        try:
            await impatient.delete(owner, turn.conversation_id)
        except StoreUnavailableError:
            step += 1
        else:
            failed = False
        faulty.faults.clear()
        while await impatient.delete(owner, turn.conversation_id):
            pass
        left = [*dynamodb.turn_items(turn), *dynamodb.items(f"CONV#{owner}#{turn.conversation_id}")]
        assert [item["sk"]["S"] for item in left] == ["LOG#00000001"]  # for a producer that may still run
    assert step == 14  # requests


async def test_unprocessed_items_are_requested_again(
    store: DynamoDBStore, faulty: FaultyDynamoDB, clock: Clock, owner: str
) -> None:
    turns = [a_turn(clock, owner, conversation_id="c") for _ in range(3)]
    for turn in turns:
        await store.create(turn, "title")
    faulty.requests.clear()
    faulty.faults.extend([*[Fault.PASS] * 3, Fault.PARTLY, Fault.PARTLY])
    found = await store.turns(owner, "c")
    assert {turn.turn_id for turn in found} == {turn.turn_id for turn in turns}
    assert faulty.operations == ["GetItem", "Query", "Query", "BatchGetItem", "BatchGetItem", "BatchGetItem"]


async def test_endless_unprocessed_items_are_unavailable(
    store: DynamoDBStore, faulty: FaultyDynamoDB, clock: Clock, owner: str
) -> None:
    for _ in range(7):
        await store.create(a_turn(clock, owner, conversation_id="c"), "title")
    faulty.faults.extend([*[Fault.PASS] * 3, *[Fault.PARTLY] * 5])
    with pytest.raises(StoreUnavailableError, match="items unprocessed after 5 requests"):
        await store.turns(owner, "c")
