"""`python -m ...` as a process, whose output a test reads."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import Self

from tests.infra.paths import ROOT

LONGEST = 60  # seconds that a program may run


class Program:
    """`python -m ...` in its own process group, with the test's directory and
    variables.
    """

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
        self.output = ""
        self._limit = Timer(LONGEST, self.kill)
        self._limit.start()

    def read_until(self, words: str) -> str:
        """Waits for a line with `words`, and returns it.

        Fails if the program ends without it.
        """
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            if words in line:
                return line
        raise AssertionError(f"no line with {words!r}: {self.output}")

    def url(self) -> str:
        """The URL in uvicorn's output."""
        return self.read_until("Uvicorn running on").split("running on ")[1].split()[0]

    def interrupt(self) -> int:
        """Sends Ctrl-C to the whole group, as a terminal does.

        Returns the exit status.
        """
        os.killpg(self.process.pid, signal.SIGINT)
        return self.end()

    def end(self) -> int:
        """Waits for the end and the rest of the output. Returns the exit status."""
        assert self.process.stdout is not None
        self.output += self.process.stdout.read()
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
