"""The operations on the table: single items under a condition, partitions, batches.

All methods block. Every read is consistent, and none is a scan. `Call` performs one
operation of DynamoDB's API and raises ConditionFailedError and StoreUnavailableError.
The parameters of an expression are keywords, without their colons.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from app.store import StoreUnavailableError
from app.store.dynamodb.items import Item, Key, Values, decode, encode, to_item, to_key

Call = Callable[..., dict[str, Any]]
GET_AT_MOST = 100  # items of one BatchGetItem
WRITE_AT_MOST = 25  # items of one BatchWriteItem
RETRY_DELAYS = (0.0, 0.05, 0.1, 0.2, 0.4)  # seconds before each attempt


class ConditionFailedError(Exception):
    """The condition does not hold; nothing was written."""


class Table:
    """One table, by its name."""

    def __init__(self, call: Call, name: str) -> None:
        self._call = call
        self._name = name

    def get(self, key: Key) -> Values | None:
        answer = self._call("get_item", TableName=self._name, Key=to_key(key), ConsistentRead=True)
        return decode(answer["Item"]) if "Item" in answer else None

    def put(self, key: Key, values: Values, condition: str | None = None, **parameters: object) -> None:
        """Writes the whole item."""
        item = to_item(key, values)
        self._call("put_item", TableName=self._name, Item=item, **_if(condition), **_with(parameters))

    def update(self, key: Key, expression: str, condition: str, returns: str = "NONE", **parameters: object) -> Values:
        """Updates one item. Returns the part that `returns` names, e.g. ALL_OLD."""
        answer = self._call(
            "update_item",
            TableName=self._name,
            Key=to_key(key),
            UpdateExpression=expression,
            ReturnValues=returns,
            **_if(condition),
            **_with(parameters),
        )
        return decode(answer.get("Attributes", {}))

    def delete(self, key: Key, condition: str, **parameters: object) -> None:
        self._call("delete_item", TableName=self._name, Key=to_key(key), **_if(condition), **_with(parameters))

    def query(
        self, condition: str, options: Mapping[str, object] | None = None, **parameters: object
    ) -> Iterator[Values]:
        """Returns the items of a partition in order, and reads pages on demand."""
        request = {"TableName": self._name, "KeyConditionExpression": condition, "ConsistentRead": True}
        request |= _with(parameters) | dict(options or {})
        while True:
            page = self._call("query", **request)
            yield from map(decode, page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def get_many(self, keys: Sequence[Key], options: Mapping[str, object] | None = None) -> Iterator[Values]:
        """Returns the existing items, in no order."""
        for some in _parts(keys, GET_AT_MOST):
            wanted = {self._name: {"Keys": some, "ConsistentRead": True} | dict(options or {})}
            for answer in self._until_processed("batch_get_item", wanted, "UnprocessedKeys"):
                yield from map(decode, answer["Responses"].get(self._name, []))

    def delete_many(self, keys: Sequence[Key]) -> None:
        """Deletes items unconditionally."""
        for some in _parts(keys, WRITE_AT_MOST):
            unwanted = {self._name: [{"DeleteRequest": {"Key": key}} for key in some]}
            for _ in self._until_processed("batch_write_item", unwanted, "UnprocessedItems"):
                pass

    def _until_processed(self, operation: str, items: dict[str, Any], rest: str) -> Iterator[dict[str, Any]]:
        for delay in RETRY_DELAYS:
            time.sleep(delay)
            answer = self._call(operation, RequestItems=items)
            yield answer
            items = answer.get(rest, {})
            if not items:
                return
        raise StoreUnavailableError(f"DynamoDB {operation}: items unprocessed after {len(RETRY_DELAYS)} requests")


def _parts(keys: Sequence[Key], size: int) -> Iterator[list[Item]]:
    return ([to_key(key) for key in keys[first : first + size]] for first in range(0, len(keys), size))


def _if(condition: str | None) -> dict[str, Any]:
    return {} if condition is None else {"ConditionExpression": condition}


def _with(parameters: Mapping[str, object]) -> dict[str, Any]:
    values = encode({f":{name}": value for name, value in parameters.items()})
    return {"ExpressionAttributeValues": values} if values else {}
