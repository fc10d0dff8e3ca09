"""Stores with the data of version 0.1.0 (tests/data)."""

import base64
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from app.store import TurnHead
from tests.app.store.dynamodb_schema import create_table_input
from tests.app.store.makers import new_id
from tests.data.make import FIRST, OTHER, OURS, RUNNING, SECOND, THEIRS, THIRD, turn

DATA = Path(__file__).parents[2] / "data" / "0.1.0"
GREETING = turn(FIRST, 0, "Hello? 👩‍👩‍👧")
FOLLOWING = turn(SECOND, 60, "And then?", FIRST, instructions="Be brief.")
BRANCH = turn(THIRD, 30.5, "A branch", FIRST)
DYING: TurnHead = turn(RUNNING, 90, "Tell me more", conversation_id=OTHER)
ANOTHERS = turn(THEIRS, 0, "Mine", owner="ada#%", conversation_id=OURS)


def old_file(path: Path) -> Path:
    """Creates the SQLite file at `path`."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript((DATA / "sqlite.sql").read_text())
    return path


def old_table(client: Any) -> str:
    """Creates a table with the items. Returns its name."""
    table = f"rivulet-old-{new_id()}"
    client.create_table(**create_table_input(table))
    client.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1})
    for line in (DATA / "dynamodb.jsonl").read_text().splitlines():
        client.put_item(TableName=table, Item=json.loads(line, object_hook=_with_bytes))
    return table


def _with_bytes(value: dict[str, Any]) -> dict[str, Any]:
    return {"B": base64.b64decode(value["B"])} if set(value) == {"B"} else value
