"""Many items in batches of DynamoDB's size; a partition, page by page."""

from typing import Any

from app.store.dynamodb.items import Key
from app.store.dynamodb.table import Table

KEYS: list[Key] = [("p", f"{number:03}") for number in range(230)]
ITEMS = [{"pk": {"S": partition}, "sk": {"S": sort}} for partition, sort in KEYS]


def test_batch_get_reads_hundred_items() -> None:
    sizes = []

    def call(operation: str, *, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803 - the API's name
        assert operation == "batch_get_item"
        sizes.append(len(RequestItems["t"]["Keys"]))
        return {"Responses": {"t": RequestItems["t"]["Keys"]}, "UnprocessedKeys": {}}

    found = [(values["pk"], values["sk"]) for values in Table(call, "t").get_many(KEYS)]
    assert found == KEYS
    assert sizes == [100, 100, 30]


def test_query_continues_after_page() -> None:
    starts = []

    def call(operation: str, **request: Any) -> dict[str, Any]:
        assert operation == "query"
        start = request.get("ExclusiveStartKey")
        starts.append(start)
        first = ITEMS.index(start) + 1 if start else 0
        page = ITEMS[first : first + 100]
        return {"Items": page} | ({"LastEvaluatedKey": page[-1]} if first + 100 < len(ITEMS) else {})

    found = Table(call, "t").query("pk = :pk", pk="p")
    assert [values["sk"] for values in found] == [sort for _, sort in KEYS]
    assert starts == [None, ITEMS[99], ITEMS[199]]


def test_unneeded_page_is_not_read() -> None:
    calls = []

    def call(operation: str, **_: Any) -> dict[str, Any]:
        calls.append(operation)
        return {"Items": ITEMS[:2], "LastEvaluatedKey": ITEMS[1]}

    found = Table(call, "t").query("pk = :pk", pk="p")
    assert [next(found)["sk"], next(found)["sk"]] == ["000", "001"]
    assert calls == ["query"]
