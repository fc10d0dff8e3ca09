"""The write units of DynamoDB, computed from the items before and after each write.

The rules are those of the developer guide ("Write request units", "Item sizes and
formats", "Write capacity and local secondary indexes"): one unit for each kilobyte of
the larger of the item before and after; and the same again for the index, twice if its
key changes, because the old entry is deleted and a new one is put.
"""

import math
from collections.abc import Callable
from typing import Any

Item = dict[str, dict[str, Any]]
WRITES = {"put_item", "update_item", "delete_item"}
KILOBYTE = 1024


class Meter:
    """boto3's client, with the units of each write of an item;
    `index_key` is the sort key of the index.
    """

    def __init__(self, client: Any, index_key: str) -> None:
        self.units: list[tuple[str, int]] = []
        self._client = client
        self._index_key = index_key

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)
        return self._metered(name, operation) if name in WRITES else operation

    def _metered(self, name: str, operation: Callable[..., Any]) -> Callable[..., Any]:
        def write(**request: Any) -> Any:
            key = request.get("Key") or {name: request["Item"][name] for name in ("pk", "sk")}
            before = self._item(request["TableName"], key)
            answer = operation(**request)
            after = self._item(request["TableName"], key)
            sort_key = key["sk"]["S"].partition("#")[0]
            self.units.append((f"{name} {sort_key}", table_units(before, after) + self._index_units(before, after)))
            return answer

        return write

    def _item(self, table: str, key: Item) -> Item | None:
        found: Item | None = self._client.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        return found

    def _index_units(self, before: Item | None, after: Item | None) -> int:
        old, new = (item if item and self._index_key in item else None for item in (before, after))
        if old == new:
            return 0
        if old and new and old[self._index_key] == new[self._index_key]:
            return table_units(old, new)
        return sum(table_units(item, item) for item in (old, new) if item)


def table_units(before: Item | None, after: Item | None) -> int:
    return max(1, math.ceil(max(size(before), size(after)) / KILOBYTE))


def size(item: Item | None) -> int:
    return sum(len(name.encode()) + value_size(*value.items()) for name, value in (item or {}).items())


def value_size(typed: tuple[str, Any]) -> int:
    kind, value = typed
    match kind:
        case "S":
            return len(value.encode())
        case "B":
            return len(value)
        case "N":
            return 1 + math.ceil(len(value.replace(".", "").replace("-", "").strip("0")) / 2)
        case "BOOL":
            return 1
    raise NotImplementedError(kind)
