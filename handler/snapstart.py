"""SnapStart: the hooks around a snapshot, and the wait for a restore.

Hooks are registered with AWS's `snapshot_restore_py`, which the managed runtime
provides. The hooks before a snapshot run in reverse order of registration, the hooks
after a restore in order. A hook may be a coroutine function as well. An exception of a
hook is raised.

Source: AWS Lambda Developer Guide, "Runtime hooks for Lambda SnapStart" and "Runtime
API", restore/next.
"""

import importlib
import inspect
import random
from collections.abc import Callable, Iterable
from typing import Any

from handler.connection import Connection
from handler.endpoint import Endpoint
from handler.errors import RestoreError
from handler.protocol import ACCEPTED, restore_next

# a callable and its arguments, in the form of the package
Hook = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


async def before_snapshot() -> None:
    """Runs the hooks before the snapshot."""
    await _run(reversed(_registered("get_before_snapshot")))


async def wait_for_restore(endpoint: Endpoint) -> None:
    """Waits while the snapshot is taken, and returns in a restored environment.

    Raises OSError, or RestoreError if the Runtime API refuses.
    """
    async with Connection(endpoint) as connection:
        answer = await connection.exchange(restore_next())
    if answer.status not in ACCEPTED:
        raise RestoreError(f"the Runtime API answered {answer.status} to restore/next")


async def after_restore() -> None:
    """Runs the hooks after a restore."""
    random.seed()  # else all environments of one snapshot draw the same numbers
    await _run(_registered("get_after_restore"))


def _registered(getter: str) -> list[Hook]:
    try:
        package = importlib.import_module("snapshot_restore_py")
    except ImportError:  # without the package no hook can be registered
        return []
    return list(getattr(package, getter)())


async def _run(hooks: Iterable[Hook]) -> None:
    for function, arguments, keywords in hooks:
        result = function(*arguments, **keywords)
        if inspect.isawaitable(result):
            await result
