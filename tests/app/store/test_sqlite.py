"""Only SQLite: the file, its faults, and that it never blocks the event loop."""

import asyncio
import sqlite3
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from app.store import StoreSetupError, StoreUnavailableError
from app.store.sqlite.schema import VERSION, connect
from app.store.sqlite.store import DELETE_AT_MOST, PURGE_AT_MOST, PURGE_EVERY, SQLiteStore
from app.store.sqlite.worker import Worker
from tests.app.store.makers import DAY, Clock, a_batch, a_turn
from tests.infra.processes import wait_until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "rivulet.db"


@pytest.fixture
async def store(path: Path, clock: Clock) -> AsyncIterator[SQLiteStore]:
    """A store that waits only briefly for a lock."""
    store = SQLiteStore(path, clock=clock, connect=partial(connect, busy_timeout=0.05))
    yield store
    await store.close()


@pytest.fixture
def other(store: SQLiteStore, path: Path) -> Iterator[sqlite3.Connection]:
    """Another connection to the same file."""
    del store  # it creates the file
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def rows(connection: sqlite3.Connection, table: str) -> int:
    count: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - names from this file
    return count


async def test_file_and_directory_are_private(store: SQLiteStore, path: Path) -> None:
    del store
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in [path.parent, *path.parent.iterdir()]}
    assert modes == {"data": 0o700, "rivulet.db": 0o600, "rivulet.db-wal": 0o600, "rivulet.db-shm": 0o600}


async def test_file_has_wal_and_version(other: sqlite3.Connection) -> None:
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert other.execute("PRAGMA user_version").fetchone() == (VERSION,)


def test_file_as_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(StoreSetupError, match=r"data/rivulet\.db cannot be created: "):
        SQLiteStore(tmp_path / "data" / "rivulet.db")


def test_uncreatable_directory_is_named() -> None:
    with pytest.raises(StoreSetupError, match=r"^/proc/rivulet/rivulet.db cannot be created: "):
        SQLiteStore(Path("/proc/rivulet/rivulet.db"))


def test_read_only_file_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.parent.mkdir()
    path.touch()
    # root may write everything
    monkeypatch.setattr("os.access", lambda _path, _mode: False)
    with pytest.raises(StoreSetupError, match=r"rivulet\.db cannot be written"):
        SQLiteStore(path)


def test_directory_as_file_is_named(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StoreSetupError, match=r"rivulet\.db cannot be used: unable to open"):
        SQLiteStore(path)


def test_foreign_file_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("Dear diary," * 1000)
    with pytest.raises(StoreSetupError, match=r"rivulet\.db cannot be used: file is not a database"):
        SQLiteStore(path)
    assert path.read_text().startswith("Dear diary,")


@pytest.mark.parametrize("version", range(VERSION + 1))
def test_foreign_database_is_left_alone(path: Path, version: int) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE turn (song TEXT)")
        connection.execute(f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    with pytest.raises(StoreSetupError, match=r"rivulet\.db is the database of another program"):
        SQLiteStore(path)
    assert path.read_bytes() == before


def test_file_of_newer_version_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    before = path.read_bytes()
    with pytest.raises(StoreSetupError, match=rf"rivulet\.db has version {VERSION + 1}, of a newer Rivulet"):
        SQLiteStore(path)
    assert path.read_bytes() == before


async def test_locked_file_is_unavailable_until_release(
    store: SQLiteStore, other: sqlite3.Connection, clock: Clock, owner: str
) -> None:
    turn = a_turn(clock, owner)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError, match="locked"):
        await store.create(turn, "title")
    other.execute("ROLLBACK")
    assert await store.create(turn, "title") == turn


async def test_short_lock_is_awaited(
    store: SQLiteStore, other: sqlite3.Connection, clock: Clock, owner: str, caplog: pytest.LogCaptureFixture
) -> None:
    turn = a_turn(clock, owner)
    other.execute("BEGIN IMMEDIATE")
    creating = asyncio.create_task(store.create(turn, "title"))
    await asyncio.to_thread(wait_until, lambda: "retrying" in caplog.text, "a second attempt")
    other.execute("ROLLBACK")
    assert await creating == turn


async def test_reads_do_not_wait_for_lock(
    store: SQLiteStore, other: sqlite3.Connection, clock: Clock, owner: str
) -> None:
    turn = a_turn(clock, owner)
    await store.create(turn, "title")
    other.execute("BEGIN IMMEDIATE")
    appending = asyncio.create_task(store.append(turn, a_batch()))
    assert await store.head(owner, turn.turn_id) == turn
    assert not appending.done()
    with pytest.raises(StoreUnavailableError):
        await appending


async def test_full_disk_is_unavailable_until_freed(path: Path, clock: Clock, owner: str) -> None:
    pages = 40

    def connect_small(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    store = SQLiteStore(path, clock=clock, connect=connect_small)
    turn = a_turn(clock, owner)
    await store.create(turn, "title")
    await store.append(turn, a_batch(0))
    with pytest.raises(StoreUnavailableError, match="full"):
        await store.append(turn, a_batch(1, bytes(200_000)))
    assert await store.batches(turn) == [a_batch(0)]
    pages = 1000
    assert not await store.append(turn, a_batch(1, bytes(200_000)))
    await store.close()


async def fill(store: SQLiteStore, clock: Clock, owner: str, turns: int) -> None:
    for _ in range(turns):
        turn = a_turn(clock, owner)
        await store.create(turn, "title")
        await store.append(turn, a_batch())


async def test_other_writes_do_not_wait_for_long_deletion(
    store: SQLiteStore, clock: Clock, owner: str, other: sqlite3.Connection
) -> None:
    conversation = a_turn(clock, owner).conversation_id
    for _ in range(2 * DELETE_AT_MOST):
        await store.create(a_turn(clock, owner, conversation_id=conversation), "title")
    deletion = asyncio.create_task(store.delete(owner, conversation))
    await asyncio.sleep(0)  # the deletion's first transaction is in the queue
    await store.create(a_turn(clock, owner), "title")
    assert not deletion.done()
    assert await deletion
    assert (rows(other, "turn"), rows(other, "conversation")) == (1, 1)


async def test_opening_deletes_expired_rows(
    store: SQLiteStore, other: sqlite3.Connection, path: Path, clock: Clock, owner: str
) -> None:
    await fill(store, clock, owner, 3)
    clock.now += DAY
    await SQLiteStore(path, clock=clock).close()
    assert [rows(other, table) for table in ("turn", "log", "conversation")] == [0, 0, 0]


async def test_create_deletes_expired_rows(
    store: SQLiteStore, other: sqlite3.Connection, clock: Clock, owner: str
) -> None:
    await fill(store, clock, owner, 3)
    clock.now += DAY
    await fill(store, clock, owner, 1)
    await store.close()  # after the running jobs of its threads
    assert [rows(other, table) for table in ("turn", "log", "conversation")] == [1, 1, 1]


async def test_expired_rows_are_purged_occasionally(
    store: SQLiteStore, other: sqlite3.Connection, clock: Clock, owner: str
) -> None:
    lifetimes = [1, DAY, 1, DAY]
    pauses = [PURGE_EVERY, 1, PURGE_EVERY - 2, 0]  # after each; at the second it looks, at the fourth not yet again
    for lifetime, pause in zip(lifetimes, pauses, strict=True):
        await store.create(a_turn(clock, owner, expires_at=clock.now + lifetime), "title")
        clock.now += pause
    await store.close()
    assert rows(other, "turn") == 3


async def test_purge_deletes_few_rows_at_once(
    store: SQLiteStore, other: sqlite3.Connection, path: Path, clock: Clock, owner: str
) -> None:
    await fill(store, clock, owner, PURGE_AT_MOST + 5)
    clock.now += DAY
    reopened = SQLiteStore(path, clock=clock)
    assert rows(other, "turn") == 5
    await fill(reopened, clock, owner, 1)
    await reopened.close()
    assert rows(other, "turn") == 1


def opened(path: Path) -> Worker:
    return Worker(partial(connect, path), "BEGIN IMMEDIATE")


async def test_failed_transaction_rolls_back(path: Path) -> None:
    lane = opened(path)

    def fail(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO conversation VALUES ('o', 'c', 't', 1, 1, 1)")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await lane.run(fail)
    assert await lane.run(lambda db: rows(db, "conversation")) == 0
    lane.close()


async def test_wrong_statement_is_not_retried(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lane = opened(path)
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await lane.run(lambda db: rows(db, "nowhere"))
    assert caplog.text == ""
    lane.close()


def test_unattended_failure_is_logged(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lane = opened(path)
    lane.run_unattended(lambda db: rows(db, "nowhere"))
    lane.close()
    assert "background job failed: no such table" in caplog.text


async def test_damaged_file_is_unavailable(store: SQLiteStore, path: Path, owner: str) -> None:
    """Even if the file cannot be opened again."""
    assert await store.head(owner, "t") is None
    await store.close()
    lane = Worker(partial(connect, path.parent), "BEGIN")
    with pytest.raises(StoreUnavailableError, match="cannot be used"):
        await lane.run(lambda _: None)
    lane.close()
