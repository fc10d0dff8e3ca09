"""Opens the store: DynamoDB if a table is named, else SQLite. `sam local` has no table.

Each store is imported when it is opened, because boto3 takes a third of a second.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.settings import ConfigurationError, Settings
from app.store import Store, StoreSetupError, StoreUnavailableError


def open_store(settings: Settings) -> Store:
    """Opens the store of these settings. Raises ConfigurationError."""
    with _as_configuration():
        if table := _table(settings):
            from app.store.dynamodb.store import DynamoDBStore  # noqa: PLC0415 - see above

            return DynamoDBStore(table)
        from app.store.sqlite.store import SQLiteStore  # noqa: PLC0415 - see above

        return SQLiteStore(_file(settings))


def check_store(settings: Settings) -> None:
    """Raises ConfigurationError if the store can never be opened.

    The check takes a few milliseconds: it sends no request to a table and does not wait
    for a locked file.
    """
    if _table(settings):
        return
    import sqlite3  # noqa: PLC0415 - see above

    from app.store.sqlite.schema import connect  # noqa: PLC0415 - see above

    with _as_configuration(), suppress(sqlite3.Error):  # temporary
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
