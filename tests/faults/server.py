"""The application under uvicorn, in a process that a test starts, listens to, and ends by its id."""

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

PATIENCE = 60.0  # seconds until what does not come fails its test
GRACE = 1  # seconds that uvicorn waits for a client when it is told to end


class Server:
    """`python -m uvicorn --factory` on a free port of loopback, from its making to the end of the block."""

    def __init__(self, factory: str, *, data_dir: Path, openai: str, env: Mapping[str, str] | None = None) -> None:
        options = ("--port", "0", "--no-access-log", "--timeout-graceful-shutdown", str(GRACE))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "--factory", factory, *options],
            cwd=data_dir,  # where no `.env` has a say
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
        self._said: list[str] = []
        self._heard = Condition()
        self._is_silent = False
        self._listening = Thread(target=self._listen, daemon=True)
        self._listening.start()

    @property
    def url(self) -> str:
        """Where it listens; waits until it does."""
        return self.wait_said("Uvicorn running on").split("running on ")[1].split()[0]

    def wait_said(self, words: str) -> str:
        """The first line of its log that holds `words`; fails where there will be none."""
        with self._heard:
            self._heard.wait_for(lambda: self._line_with(words) or self._is_silent, PATIENCE)
            line = self._line_with(words)
            assert line, f"never said {words!r} but: {''.join(self._said)}"
            return line

    def kill(self) -> None:
        """Ends it as a crash of the machine would: at once, and without a word."""
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def terminate(self) -> None:
        """Asks it to end, and waits until it has."""
        os.kill(self._process.pid, signal.SIGTERM)
        self._process.wait(PATIENCE)

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """Up to the end of the block it can write to no file."""
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
        self._listening.join()
        self._process.__exit__(None, None, None)  # closes the pipe and reaps

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            with self._heard:
                self._said.append(line)
                self._heard.notify_all()
        with self._heard:
            self._is_silent = True
            self._heard.notify_all()

    def _line_with(self, words: str) -> str | None:
        return next((line for line in self._said if words in line), None)
