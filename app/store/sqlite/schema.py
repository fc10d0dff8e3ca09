"""The SQLite file: its tables, its version, and how it is opened.

`PRAGMA user_version` is the version of the tables: 0 in a new file, 1 in a file of
Rivulet 0.1.0, which is converted in one transaction. A file of a newer version or with
the tables of another program is refused and not changed. An addition does not raise the
version, because older programs refuse a higher one.
"""

import os
import sqlite3
from pathlib import Path

from app.store import StoreSetupError

VERSION = 2
BUSY_TIMEOUT = 1.5  # seconds that a statement waits for another process's lock
_LASTING = {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_CANTOPEN}

_CONVERSATIONS = (
    """CREATE TABLE conversation (
        owner TEXT NOT NULL,
        conversation_id TEXT NOT NULL,
        title TEXT NOT NULL,
        created_at REAL NOT NULL,
        updated_at REAL NOT NULL,
        expires_at REAL NOT NULL,
        PRIMARY KEY (owner, conversation_id)
    ) WITHOUT ROWID""",
    "CREATE INDEX conversation_updated ON conversation (owner, updated_at, conversation_id)",
    "CREATE INDEX conversation_expiry ON conversation (expires_at)",
)
_TURNS = (
    # `forget_at` is `expires_at`, or before it if the turn failed
    """CREATE TABLE turn (
        key INTEGER PRIMARY KEY,
        turn_id TEXT NOT NULL,
        owner TEXT NOT NULL,
        producer TEXT NOT NULL,
        conversation_id TEXT NOT NULL,
        parent_turn_id TEXT,
        message TEXT NOT NULL,
        model TEXT NOT NULL,
        instructions TEXT,
        created_at REAL NOT NULL,
        expires_at REAL NOT NULL,
        forget_at REAL NOT NULL,
        UNIQUE (owner, turn_id)
    )""",
    # a slot with data is claimed; a slot without data has only a request to stop
    """CREATE TABLE log (
        turn_key INTEGER NOT NULL REFERENCES turn (key) ON DELETE CASCADE,
        slot INTEGER NOT NULL,
        stop INTEGER NOT NULL DEFAULT 0,
        data BLOB,
        writer TEXT,
        lease_until REAL,
        final INTEGER,
        PRIMARY KEY (turn_key, slot)
    )""",
)
_TURN_INDEXES = (
    "CREATE INDEX turn_conversation ON turn (owner, conversation_id, created_at, turn_id)",
    "CREATE INDEX turn_expiry ON turn (forget_at)",
)
_FROM_VERSION_1 = (
    "ALTER TABLE turn RENAME TO old_turn",
    "ALTER TABLE log RENAME TO old_log",
    *_TURNS,
    """INSERT INTO turn (turn_id, owner, producer, conversation_id, parent_turn_id, message, model, instructions,
        created_at, expires_at, forget_at)
    SELECT turn_id, owner, producer, conversation_id, parent_turn_id, message, model, instructions,
        created_at, expires_at, expires_at FROM old_turn""",
    """INSERT INTO log (turn_key, slot, stop, data, writer, lease_until, final)
    SELECT key, slot, stop, data, writer, lease_until, final FROM old_log JOIN turn USING (turn_id)""",
    "DROP TABLE old_log",
    "DROP TABLE old_turn",
    *_TURN_INDEXES,  # last: the old tables' indexes have the same names
)
_STEPS = {0: (*_CONVERSATIONS, *_TURNS, *_TURN_INDEXES), 1: _FROM_VERSION_1}
# one statement, because another process may create our tables between two
_IS_NOT_OURS = """
    SELECT CASE user_version
        WHEN 0 THEN EXISTS (SELECT 1 FROM sqlite_master)
        ELSE (SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name IN ('conversation', 'turn', 'log')) < 3
    END
    FROM pragma_user_version
"""


def connect(path: Path, *, busy_timeout: float = BUSY_TIMEOUT) -> sqlite3.Connection:
    """Opens the file, and creates it if it is missing, readable only by this user.

    One thread at a time may use the connection. Raises StoreSetupError if the file
    cannot be used, and sqlite3.Error for a temporary failure.
    """
    _create(path)
    try:
        # another thread than the opening one may use it
        connection = sqlite3.connect(path, timeout=busy_timeout, isolation_level=None, check_same_thread=False)
        return _prepare_or_close(connection, path)
    except sqlite3.Error as error:
        if result_code(error) in _LASTING:
            raise StoreSetupError(f"{path} cannot be used: {error}") from error
        raise


def result_code(error: BaseException) -> int:
    """Returns SQLite's primary result code; 0 if the error is not SQLite's."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _create(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)  # its log and its shared memory inherit the mode
    except OSError as error:
        raise StoreSetupError(f"{path} cannot be created: {error.strerror}") from error
    # not by opening it: closing it would drop the locks of SQLite in this process
    if not os.access(path, os.R_OK | os.W_OK):
        raise StoreSetupError(f"{path} cannot be written")


def _prepare_or_close(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    try:
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    _refuse_foreign_file(connection, path)
    if _value(connection, "PRAGMA journal_mode = WAL") != "wal":
        raise StoreSetupError(f"{path}: no write-ahead log is possible there; is it a network file system?")
    # A killed process loses nothing, as with FULL. A power cut may lose the last
    # second, but never the file's consistency. An fsync for each batch would dominate
    # the time of an append.
    connection.execute("PRAGMA synchronous = NORMAL")
    if _version(connection) != VERSION:
        create_tables(connection)
    connection.execute("PRAGMA foreign_keys = ON")  # not before: dropping a table would delete its log


def _refuse_foreign_file(connection: sqlite3.Connection, path: Path) -> None:
    version = _version(connection)
    if version > VERSION:
        raise StoreSetupError(f"{path} has version {version}, of a newer Rivulet; this one knows {VERSION}")
    if _value(connection, _IS_NOT_OURS):
        raise StoreSetupError(f"{path} is the database of another program")


def create_tables(connection: sqlite3.Connection) -> None:
    """Creates the tables, or converts those of an older version."""
    connection.execute("BEGIN IMMEDIATE")
    version = _version(connection)
    if version in _STEPS:  # else another process has done it
        for statement in _STEPS[version]:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _value(connection: sqlite3.Connection, statement: str) -> object:
    row = connection.execute(statement).fetchone()
    return row[0] if row else None
