"""Which store there is: the DynamoDB table where one is named, else SQLite. `sam local` has no table.

What it needs is imported when it is opened: boto3 takes a third of a second, and one of the two is never needed.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.settings import ConfigurationError, Settings
from app.store import Store, StoreSetupError, StoreUnavailableError


def open_store(settings: Settings) -> Store:
    """Raises ConfigurationError."""
    with _as_configuration():
        if table := _table(settings):
            from app.store.dynamodb.store import DynamoDBStore  # noqa: PLC0415 - see above

            return DynamoDBStore(table)
        from app.store.sqlite.store import SQLiteStore  # noqa: PLC0415 - see above

        return SQLiteStore(_file(settings))


def check_store(settings: Settings) -> None:
    """Raises ConfigurationError where the store could never be opened, as far as that shows within a few milliseconds:
    a table is not asked, and a file that another process has locked is not waited for.
    """
    if _table(settings):
        return
    import sqlite3  # noqa: PLC0415 - see above

    from app.store.sqlite.schema import connect  # noqa: PLC0415 - see above

    with _as_configuration(), suppress(sqlite3.Error):  # that may pass
        connect(_file(settings), busy_timeout=0).close()


def _table(settings: Settings) -> str | None:
    return None if settings.aws_sam_local else settings.table_name


def _file(settings: Settings) -> Path:
    return settings.data_dir / "rivulet.db"


@contextmanager
def _as_configuration() -> Iterator[None]:
    try:
        yield
    except (StoreSetupError, StoreUnavailableError) as error:
        raise ConfigurationError(str(error)) from error
