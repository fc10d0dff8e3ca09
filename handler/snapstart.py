"""SnapStart: what is done before the snapshot of a started environment, and after each restore of it.

The hooks are those that were registered with AWS's `snapshot_restore_py`, which the managed runtime brings: the ones
for before the snapshot run in reverse order of registration, the ones for after a restore in order. Here a hook may be
a coroutine function too. Whatever a hook raises comes out.

Source: AWS Lambda Developer Guide, "Runtime hooks for Lambda SnapStart" and "Runtime API", restore/next.
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

Hook = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]
"""A callable and its arguments, as the package keeps them."""


async def before_snapshot() -> None:
    """Runs the hooks for before the snapshot."""
    await _run(reversed(_registered("get_before_snapshot")))


async def restored(endpoint: Endpoint) -> None:
    """Returns in the restored environment: the snapshot is taken while this waits, as long as that lasts.

    Raises OSError, or RestoreError where the Runtime API refuses. The connection is not used any further.
    """
    async with Connection(endpoint) as connection:
        answer = await connection.exchange(restore_next())
    if answer.status not in ACCEPTED:
        raise RestoreError(f"the Runtime API answered {answer.status} to restore/next")


async def after_restore() -> None:
    """Runs the hooks for after a restore."""
    random.seed()  # every environment that comes of one snapshot would draw the same numbers
    await _run(_registered("get_after_restore"))


def _registered(getter: str) -> list[Hook]:
    try:
        package = importlib.import_module("snapshot_restore_py")
    except ImportError:  # where the runtime does not bring it, nobody can have registered anything
        return []
    return list(getattr(package, getter)())


async def _run(hooks: Iterable[Hook]) -> None:
    for function, arguments, keywords in hooks:
        result = function(*arguments, **keywords)
        if inspect.isawaitable(result):
            await result
