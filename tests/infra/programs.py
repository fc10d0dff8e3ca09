"""`python -m ...` as a process of its own, that a test listens to."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import Self

from tests.infra.paths import ROOT

LONGEST = 60  # seconds that a program may live


class Program:
    """`python -m ...` in a process group of its own, in a directory and with variables as the test says."""

    def __init__(self, *arguments: str, cwd: Path, **variables: str) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=cwd,
            env=inherited | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"} | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.said = ""
        self._limit = Timer(LONGEST, self.kill)
        self._limit.start()

    def read_until(self, words: str) -> str:
        """The first line that holds `words`; fails where the program ends without it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if words in line:
                return line
        raise AssertionError(f"never said {words!r} but: {self.said}")

    def url(self) -> str:
        """Where uvicorn says that it listens."""
        return self.read_until("Uvicorn running on").split("running on ")[1].split()[0]

    def interrupt(self) -> int:
        """Ctrl-C, which a terminal sends to the whole group; returns the exit status."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.end()

    def end(self) -> int:
        """Waits for the end and the last words; returns the exit status."""
        assert self.process.stdout is not None
        self.said += self.process.stdout.read()
        return self.process.wait()

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._limit.cancel()
        self.kill()
        self.process.__exit__(None, None, None)  # closes the pipe and reaps
