"""Makes the data of tests/data with the installed Rivulet;
README.md there has the commands.

Usage: python make.py DIRECTORY ENDPOINT, where ENDPOINT is that of an empty DynamoDB,
e.g. dynalite.
"""

import asyncio
import base64
import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped] # boto3 has no types

from app.store import Batch, Store, TurnHead

NOW = 1_764_000_000.25
EXPIRES = 4_102_444_800.5  # in the year 2100
FIRST, SECOND, THIRD, RUNNING, THEIRS = (f"0000000{n}-0000-4000-8000-000000000000" for n in range(1, 6))
OURS, OTHER = "a0000000-0000-4000-8000-000000000000", "b0000000-0000-4000-8000-000000000000"


def turn(turn_id: str, seconds: float, message: str, parent: str | None = None, **changes: Any) -> TurnHead:
    fields: dict[str, Any] = {"owner": "everyone", "producer": "p", "conversation_id": OURS, "instructions": None}
    fields |= {"created_at": NOW + seconds, "expires_at": EXPIRES + seconds}
    return TurnHead(turn_id=turn_id, message=message, model="gpt-4o-mini", parent_turn_id=parent, **fields | changes)


def batch(slot: int, seq: int, *events: object, final: bool = False, writer: str = "p") -> Batch:
    data = json.dumps([seq, *events], ensure_ascii=False, separators=(",", ":")).encode()
    return Batch(slot, data, writer, NOW + 10 + slot, final)


def start(head: TurnHead) -> dict[str, object]:
    ids = {"turn_id": head.turn_id, "conversation_id": head.conversation_id, "model": head.model}
    return {"event": "start", **ids, "omitted_turns": 0}


END = {"event": "end", "status": "completed", "usage": {"input_tokens": 5, "output_tokens": 7}}
STOPPED = {"event": "end", "status": "stopped"}


async def fill(store: Store) -> None:
    """Stores two answers, a stopped one, a running one, and
    the turn of another owner.
    """
    first, second = turn(FIRST, 0, "Hello? 👩‍👩‍👧"), turn(SECOND, 60, "And then?", FIRST, instructions="Be brief.")
    third = turn(THIRD, 30.5, "A branch", FIRST)
    for head, batches in (
        (first, [batch(0, 0, start(first), "Hi, ", "Ada!\n"), batch(1, 3, "Bye.", END, final=True)]),
        (second, [batch(0, 0, start(second), "Then?", END, final=True)]),
        (third, [batch(0, 0, start(third), "Once"), batch(1, 2, STOPPED, final=True)]),
    ):
        await store.create(head, "Hello?")
        for each in batches:
            await store.append(head, each)
    await store.rename("everyone", OURS, "Greetings")
    running = turn(RUNNING, 90, "Tell me more", conversation_id=OTHER)
    await store.create(running, "Tell me more")
    await store.append(running, batch(0, 0, start(running), "More"))
    theirs = turn(THEIRS, 0, "Mine", owner="ada#%", conversation_id=OURS)
    await store.create(theirs, "Mine")
    await store.append(theirs, batch(0, 0, start(theirs), "Yours", END, final=True))
    await store.close()


def dump(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        return "\n".join([*connection.iterdump(), f"PRAGMA user_version = {version};", ""])


def plain(value: bytes) -> str:
    return base64.b64encode(value).decode()


def main(directory: Path, endpoint: str) -> None:
    # the modules of 0.1.0, with which this runs; the tests import only the constants
    from app.store.dynamodb_schema import create_table_input  # type: ignore[import-not-found] # noqa: PLC0415

    from app.store.dynamodb import DynamoDBStore  # type: ignore[attr-defined] # noqa: PLC0415
    from app.store.sqlite import SQLiteStore  # type: ignore[attr-defined] # noqa: PLC0415

    path = directory / "made.db"
    asyncio.run(fill(SQLiteStore(path)))
    (directory / "sqlite.sql").write_text(dump(path))
    client = boto3.client(
        "dynamodb", "eu-central-1", endpoint_url=endpoint, aws_access_key_id="a", aws_secret_access_key="b"
    )
    client.create_table(**create_table_input("made"))
    client.get_waiter("table_exists").wait(TableName="made", WaiterConfig={"Delay": 1})
    asyncio.run(fill(DynamoDBStore("made", client)))
    items = sorted(client.scan(TableName="made")["Items"], key=lambda item: (item["pk"]["S"], item["sk"]["S"]))
    lines = (json.dumps(item, default=plain, ensure_ascii=False, sort_keys=True) for item in items)
    (directory / "dynamodb.jsonl").write_text("\n".join([*lines, ""]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
