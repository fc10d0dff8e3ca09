"""A thread with its own connection, which runs transactions one after the other.

A job is a function of the connection, run as one transaction. If it meets a lock, a
full disk, or a failing read or write, it runs again on a new connection. After the last
attempt StoreUnavailableError is raised. A lock that is never released takes longest:
three times BUSY_TIMEOUT and the RETRY_DELAYS, together half a lease.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from app.store import StoreRefusedError, StoreSetupError, StoreUnavailableError
from app.store.sqlite.schema import result_code

RETRY_DELAYS = (0.0, 0.05, 0.2)  # seconds before each attempt
# result codes that may pass; any code in neither set is a bug of this program
UNAVAILABLE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PROTOCOL,
}
# result codes that last until the file is corrected
LASTING = {
    sqlite3.SQLITE_AUTH,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}
log = logging.getLogger("rivulet.store")
T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]


class Worker:
    """Runs transactions, opened by the statement `begin`, on connections of
    `connect`.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection], begin: str) -> None:
        self._connect = connect
        self._begin = begin
        self._connection: sqlite3.Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rivulet-sqlite")

    async def run(self, job: Job[T]) -> T:
        """Returns the job's result after the commit. Raises StoreUnavailableError."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._attempts, job)

    def run_blocking(self, job: Job[T]) -> T:
        """Blocks, for the opening of the store. Raises StoreSetupError as well."""
        return self._attempts(job, is_open=False)

    def run_unattended(self, job: Job[object]) -> None:
        """Runs the job later without a waiting caller. A failure is only logged."""
        self._thread.submit(self._attempts, job).add_done_callback(_log_failure)

    def close(self) -> None:
        """Ends after the running jobs. Blocks."""
        self._thread.shutdown()
        self._disconnect()

    def _attempts(self, job: Job[T], *, is_open: bool = True) -> T:
        for delay in RETRY_DELAYS[1:]:
            try:
                return self._attempt(job, is_open=is_open)
            except StoreUnavailableError as error:
                log.warning("%s; retrying", error)
                time.sleep(delay)
        return self._attempt(job, is_open=is_open)

    def _attempt(self, job: Job[T], *, is_open: bool) -> T:
        try:
            return self._transaction(job)
        except BaseException as error:
            self._disconnect()  # rolls back, and drops the state of the connection
            code = result_code(error)
            if code in LASTING or (is_open and isinstance(error, StoreSetupError)):
                raise StoreRefusedError(f"SQLite: {error}") from error
            if code in UNAVAILABLE:
                raise StoreUnavailableError(f"SQLite: {error}") from error
            raise

    def _transaction(self, job: Job[T]) -> T:
        if self._connection is None:
            self._connection = self._connect()
        self._connection.execute(self._begin)
        result = job(self._connection)
        self._connection.execute("COMMIT")
        return result

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _log_failure(done: Future[object]) -> None:
    if done.exception():
        log.warning("background job failed: %s", done.exception())
