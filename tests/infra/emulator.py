"""The artifact under AWS's emulator of the Runtime API.

The emulator returns a streamed response in one piece, as on the wire: prelude, eight
NUL bytes, body.
"""

import json
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.infra.conftest import Runnable
from tests.infra.paths import EVENTS, ROOT
from tests.infra.processes import free_port, listens, running, wait_until

DELIMITER = b"\0" * 8


def emulator() -> Path:
    """The emulator of the SAM CLI, which copies it into the containers of `sam
    local`.
    """
    machine = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    found = list((ROOT / ".venv-sam").glob(f"lib/python*/site-packages/samcli/local/rapid/aws-lambda-rie-{machine}"))
    assert found, "the SAM CLI has no emulator for this machine: `make test` installs it into .venv-sam"
    return found[0]


@contextmanager
def emulating(runnable: Runnable, log: Path, **variables: str) -> Iterator[str]:
    """Runs the artifact with these variables; yields the URL for events."""
    port = free_port()
    command = [
        *(str(emulator()), "--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{free_port()}"),
        # as Lambda calls a wrapper: the interpreter, then its arguments
        *(str(runnable.artifact / "handler/bootstrap"), runnable.interpreter, "/var/runtime/bootstrap.py"),
    ]
    ours = {
        "LAMBDA_TASK_ROOT": str(runnable.artifact),
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "PYTHONDONTWRITEBYTECODE": "1",  # the artifact is read-only on Lambda
    }
    with running(*command, log=log, **(ours | variables)):
        wait_until(lambda: listens(port), f"the emulator listens; its log is {log}")
        yield f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"


def invoke(function_url: str, event: str) -> tuple[dict[str, Any], bytes]:
    """Sends an event of infra/events. Returns the prelude and the body."""
    response = httpx2.post(function_url, content=(EVENTS / f"{event}.json").read_bytes(), timeout=30)
    prelude, delimiter, body = response.content.partition(DELIMITER)
    assert delimiter == DELIMITER, response.text
    return json.loads(prelude), body
