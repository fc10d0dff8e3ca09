"""Programs that a test starts, waits for and stops."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 30.0
"""Seconds until a wait fails its test."""


def free_port() -> int:
    """Returns a free port of loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether a server listens on this port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Waits until `condition` holds. Raises TimeoutError with the text `what`."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {PATIENCE:.0f} s: {what}")
        time.sleep(0.05)


@contextmanager
def running(*command: str | Path, log: Path, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """Runs the program and its children in a block; their output goes to `log`."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=os.environ | variables, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield process
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    for signum in (signal.SIGTERM, signal.SIGKILL):
        _signal_group(process.pid, signum)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            continue
        break
    _signal_group(process.pid, signal.SIGKILL)  # children that are left


def _signal_group(group: int, signum: signal.Signals) -> None:
    try:
        os.killpg(group, signum)
    except ProcessLookupError:
        return
