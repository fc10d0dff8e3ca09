"""Opens a SQLite file and exits after N statements: `python -m
tests.app.store.converting FILE`.

It does so for N = 0, 1, ... with a new copy of the file and a new process, and prints
the exit statuses, until one process reaches its end.
"""

import itertools
import os
import shutil
import sqlite3
import sys
from pathlib import Path

from app.store.sqlite import schema

KILLED = 9


def convert(path: Path, statements: int) -> None:
    """Opens the file, and exits at once before statement number `after`."""
    left = iter(range(statements))

    class Connection(sqlite3.Connection):
        def execute(self, *arguments: object) -> sqlite3.Cursor:
            if next(left, None) is None:
                os._exit(KILLED)
            return super().execute(*arguments)  # type: ignore[arg-type] # as they were given

    connect = sqlite3.connect
    sqlite3.connect = lambda *args, **kwargs: connect(*args, factory=Connection, **kwargs)  # type: ignore[assignment] # this process ends here
    schema.connect(path)


if __name__ == "__main__":
    original = Path(sys.argv[1])
    for statements in itertools.count():
        copy = original.with_name(f"{statements}.db")
        shutil.copy(original, copy)
        if child := os.fork():
            _, status = os.waitpid(child, 0)
        else:
            convert(copy, statements)
            os._exit(0)
        sys.stdout.write(f"{copy.name} {os.waitstatus_to_exitcode(status)}\n")
        if status == 0:
            break
