"""An unusable store is an error of the configuration, found
without a delay of the start.
"""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.settings import ConfigurationError, Settings
from app.store.opening import check_store, open_store
from app.store.sqlite.schema import BUSY_TIMEOUT, VERSION


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, data_dir=tmp_path)


@pytest.fixture
def other(settings: Settings) -> Iterator[sqlite3.Connection]:
    """Another program's connection to the file."""
    with closing(sqlite3.connect(settings.data_dir / "rivulet.db", isolation_level=None)) as connection:
        yield connection


@pytest.mark.parametrize("use", [check_store, open_store])
def test_unusable_file_is_configuration_error(
    use: Callable[[Settings], object], settings: Settings, other: sqlite3.Connection
) -> None:
    """A file with our version but without our tables is also refused."""
    other.execute(f"PRAGMA user_version = {VERSION}")
    with pytest.raises(ConfigurationError, match=r"rivulet\.db is the database of another program"):
        use(settings)


@pytest.mark.parametrize("is_new", [True, False], ids=["new", "in use"])
async def test_start_ignores_locked_file(settings: Settings, other: sqlite3.Connection, *, is_new: bool) -> None:
    if not is_new:
        await open_store(settings).close()
        other.execute("PRAGMA journal_mode = DELETE")  # with a write-ahead log readers cannot be locked out
    other.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()
    check_store(settings)
    assert time.monotonic() - began < BUSY_TIMEOUT / 2


def test_start_with_table_imports_no_store() -> None:
    code = (
        "import sys; from app.settings import Settings; from app.store.opening import check_store; "
        "check_store(Settings(_env_file=None, table_name='t')); print({'sqlite3', 'boto3'} & set(sys.modules))"
    )
    # coverage, which would run in the process, imports sqlite3
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    ran = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
