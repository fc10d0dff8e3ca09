"""The application under uvicorn, in a process of a test, which
reads its log and ends it by its id.
"""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Condition, Thread
from typing import Self

from tests.infra.paths import ROOT

PATIENCE = 60.0  # seconds until a wait fails its test
GRACE = 1  # seconds that uvicorn waits for a client at its shutdown


class Server:
    """`python -m uvicorn --factory` on a free port of
    loopback, until the end of the block.
    """

    def __init__(self, factory: str, *, data_dir: Path, openai: str, env: Mapping[str, str] | None = None) -> None:
        options = ("--port", "0", "--no-access-log", "--timeout-graceful-shutdown", str(GRACE))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "--factory", factory, *options],
            cwd=data_dir,  # a directory without `.env`
            env=os.environ
            | {
                "PYTHONPATH": str(ROOT),
                "DATA_DIR": str(data_dir),
                "OPENAI_API_KEY": "sk-test",
                "OPENAI_BASE_URL": openai,
                "OPENAI_MAX_RETRIES": "0",
            }
            | dict(env or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: list[str] = []
        self._changed = Condition()
        self._has_ended = False
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def url(self) -> str:
        """Its URL; waits until it listens."""
        return self.wait_line("Uvicorn running on").split("running on ")[1].split()[0]

    def wait_line(self, words: str) -> str:
        """Waits for a line of its log with `words`, and returns it.

        Fails if the process ends without it.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._line_with(words) or self._has_ended, PATIENCE)
            line = self._line_with(words)
            assert line, f"no line with {words!r}: {''.join(self._lines)}"
            return line

    def kill(self) -> None:
        """Ends it at once, like a crash of the machine."""
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def terminate(self) -> None:
        """Sends SIGTERM, and waits for its end."""
        os.kill(self._process.pid, signal.SIGTERM)
        self._process.wait(PATIENCE)

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """Lets all its writes to files fail in a block."""
        soft, hard = resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (0, hard))
        try:
            yield
        finally:
            resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (soft, hard))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._reader.join()
        self._process.__exit__(None, None, None)  # closes the pipe and reaps

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def _line_with(self, words: str) -> str | None:
        return next((line for line in self._lines if words in line), None)
