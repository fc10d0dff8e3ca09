"""Both stores.

DynamoDB is dynalite, or the server that AWS_ENDPOINT_URL_DYNAMODB names.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.store import Store, TurnHead
from app.store.dynamodb.client import make_client
from app.store.dynamodb.items import head_key
from app.store.dynamodb.store import DynamoDBStore
from app.store.sqlite.store import SQLiteStore
from tests.app.store.dynamodb_schema import create_table_input
from tests.app.store.dynamodb_server import dynalite
from tests.app.store.makers import Clock, new_id

OpenStore = Callable[[Callable[[], float]], Store]


@dataclass(frozen=True)
class DynamoDB:
    """A table, and boto3's client for its endpoint."""

    endpoint: str
    table: str
    client: Any

    def turn_items(self, turn: TurnHead) -> list[dict[str, Any]]:
        """Returns the head and the log of a turn."""
        return self.items(head_key(turn.owner, turn.turn_id)[0])

    def items(self, partition: str) -> list[dict[str, Any]]:
        """Returns the items of a partition in DynamoDB's form."""
        found: list[dict[str, Any]] = self.client.query(
            TableName=self.table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": partition}},
            ConsistentRead=True,
        )["Items"]
        return found


def use_endpoint(patch: pytest.MonkeyPatch, endpoint: str) -> None:
    """Sets the endpoint in the environment, with test
    credentials and region if there are none.
    """
    needed = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "eu-central-1"}
    for name, value in needed.items():
        patch.setenv(name, os.environ.get(name, value))
    patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", endpoint)


def client_of(endpoint: str, **limits: Any) -> Any:
    """Returns a client for this endpoint."""
    with pytest.MonkeyPatch.context() as patch:
        use_endpoint(patch, endpoint)
        return make_client(8, **limits)


@pytest.fixture(scope="session")
def dynamodb_endpoint() -> Iterator[str]:
    given = os.environ.get("AWS_ENDPOINT_URL_DYNAMODB")
    if given:
        yield given
        return
    with dynalite() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def dynamodb(dynamodb_endpoint: str) -> Iterator[DynamoDB]:
    table = f"rivulet-test-{new_id()}"
    client = client_of(dynamodb_endpoint, read_timeout=60)  # the machine may be busy
    client.create_table(**create_table_input(table))
    client.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1})
    yield DynamoDB(dynamodb_endpoint, table, client)
    client.delete_table(TableName=table)


@pytest.fixture(params=["sqlite", "dynamodb"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    """Opens the same store at each call."""
    if request.param == "sqlite":
        return lambda clock: SQLiteStore(tmp_path / "data" / "rivulet.db", clock=clock)
    dynamodb: DynamoDB = request.getfixturevalue("dynamodb")
    return lambda clock: DynamoDBStore(dynamodb.table, dynamodb.client, clock=clock)


@pytest.fixture
async def store(open_store: OpenStore, clock: Clock) -> AsyncIterator[Store]:
    store = open_store(clock)
    yield store
    await store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def owner() -> str:
    """A new owner, who owns nothing."""
    return f"owner-{new_id()}"
