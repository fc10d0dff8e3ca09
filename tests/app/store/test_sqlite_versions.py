"""A file of version 0.1.0 is converted once and whole, despite kills and other
processes.
"""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.store import StoreUnavailableError
from app.store.sqlite.schema import VERSION, connect, create_tables
from app.store.sqlite.store import SQLiteStore
from tests.app.store.converting import KILLED
from tests.app.store.makers import Clock
from tests.app.store.old_data import BRANCH, FOLLOWING, GREETING, old_file

OPEN = "import sys, pathlib; from app.store.sqlite.schema import connect; connect(pathlib.Path(sys.argv[1])).close()"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return old_file(tmp_path / "rivulet.db")


def content(path: Path) -> tuple[Any, ...]:
    """Returns the version, whether the file is consistent, and its numbers of rows."""
    with closing(sqlite3.connect(path)) as db:
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        (version,) = db.execute("PRAGMA user_version").fetchone()
        (check,) = db.execute("PRAGMA integrity_check").fetchone()
        rows = [db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in sorted(tables)]  # noqa: S608
        return version, check, db.execute("PRAGMA foreign_key_check").fetchall(), sorted(tables), rows


CONVERTED: tuple[Any, ...] = (VERSION, "ok", [], ["conversation", "log", "turn"], [3, 7, 5])


def test_a_file_is_converted_whole(path: Path) -> None:
    assert content(path) == (1, *CONVERTED[1:])
    connect(path).close()
    assert content(path) == CONVERTED


def test_converted_file_has_tables_of_new_one(path: Path, tmp_path: Path) -> None:
    connect(path).close()
    connect(tmp_path / "new.db").close()
    schemas = []
    for file in (path, tmp_path / "new.db"):
        with closing(sqlite3.connect(file)) as db:
            found = db.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()
            schemas.append([(kind, name, " ".join((sql or "").replace('"', "").split())) for kind, name, sql in found])
    assert schemas[0] == schemas[1]


def test_killed_conversion_is_completed_by_next(path: Path) -> None:
    command = (sys.executable, "-m", "tests.app.store.converting", str(path))
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[:-1]
    statuses = {name: int(status) for name, status in (line.split() for line in lines)}
    assert list(statuses.values()) == [KILLED] * (len(statuses) - 1) + [0]
    versions = []
    for name in statuses:
        copy = path.with_name(name)
        versions.append(content(copy)[0])
        connect(copy).close()
        assert content(copy) == CONVERTED
    assert versions == sorted(versions)
    assert versions.count(1) > 10  # killed before its end


def test_concurrent_processes_convert_file_once(path: Path) -> None:
    with ExitStack() as stack:
        command = (sys.executable, "-c", OPEN, str(path))
        opening = [stack.enter_context(subprocess.Popen(command, stderr=subprocess.PIPE, text=True)) for _ in range(4)]
        assert [process.communicate()[1] for process in opening] == [""] * 4
    assert content(path) == CONVERTED


async def test_stores_that_open_file_at_once_read_same(path: Path, clock: Clock) -> None:
    opening = (asyncio.to_thread(SQLiteStore, path, clock=clock) for _ in range(8))
    for store in await asyncio.gather(*opening):
        assert await store.turns(GREETING.owner, GREETING.conversation_id) == [GREETING, BRANCH, FOLLOWING]
        await store.close()
    assert content(path) == CONVERTED


def test_file_in_use_is_converted_later(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError, match="locked"):
            SQLiteStore(path, connect=partial(connect, busy_timeout=0.05))
        other.execute("ROLLBACK")
    assert content(path)[0] == 1
    connect(path).close()
    assert content(path) == CONVERTED


def test_a_newer_conversion_is_not_undone(path: Path) -> None:
    """Another process may have created it while this one waited for its lock."""
    newer = VERSION + 1
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA user_version = {newer}")
        create_tables(connection)
    assert content(path)[0] == newer
