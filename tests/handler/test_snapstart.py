"""SnapStart: the start, the snapshot, the restore, and an app that is new after it."""

import asyncio
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest
from mangum.types import ASGI, Receive, Scope, Send

from handler.runtime import run
from tests.fakes.runtime_api import RuntimeApi
from tests.handler.apps import hello, in_time
from tests.handler.conftest import Serve
from tests.handler.events import function_url

SNAP_START = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
Hooks = list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]]


@dataclass
class Registry:
    """The hooks that are registered, and the calls so far."""

    before: Hooks = field(default_factory=list)
    after: Hooks = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    def app(self) -> ASGI:
        """An app that records its lifespan."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                return await hello(scope, receive, send)
            for phase in ("startup", "shutdown"):
                await receive()
                self.events.append(phase)
                await send({"type": f"lifespan.{phase}.complete"})
            return None

        return app

    def says(self, hooks: Hooks, *words: str) -> None:
        """Registers a hook for each word, which records it."""
        hooks.extend((self.events.append, (word,), {}) for word in words)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A fake of the managed runtime's `snapshot_restore_py`."""
    registry, package = Registry(), ModuleType("snapshot_restore_py")
    vars(package).update(get_before_snapshot=lambda: registry.before, get_after_restore=lambda: registry.after)
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", package)
    return registry


def start(api: RuntimeApi, create_app: Callable[[], ASGI]) -> asyncio.Task[int]:
    return asyncio.create_task(run(create_app, {"AWS_LAMBDA_RUNTIME_API": api.address, **SNAP_START}))


async def fail() -> None:
    """A hook."""
    await asyncio.sleep(0)
    raise ValueError("the hook failed")


@pytest.mark.usefixtures("registry")
async def test_restore_precedes_first_poll(api: RuntimeApi, serve: Serve) -> None:
    api.restoring = asyncio.Event()
    call = api.invoke(function_url())
    serve(hello, **SNAP_START)
    await api.until(lambda: api.snapshots)
    assert api.polls == 0
    api.restoring.set()
    assert (await call.end()).content == b"hello"


async def test_app_is_rebuilt_after_restore(api: RuntimeApi, registry: Registry) -> None:
    def create_app() -> ASGI:
        registry.events.append("built")
        return registry.app()

    api.restoring = asyncio.Event()
    running = start(api, create_app)
    await api.until(lambda: api.snapshots)
    assert registry.events == ["built", "startup", "shutdown"]
    api.restoring.set()
    await api.polled(1)
    assert registry.events[3:] == ["built", "startup"]
    running.cancel()
    await asyncio.wait({running})


async def test_hooks_run_in_documented_order(api: RuntimeApi, serve: Serve, registry: Registry) -> None:
    registry.says(registry.before, "b1", "b2")
    registry.says(registry.after, "a1", "a2")
    serve(registry.app(), **SNAP_START)
    await api.polled(1)
    assert registry.events == ["startup", "b2", "b1", "shutdown", "a1", "a2", "startup"]


async def test_polling_uses_new_connection(api: RuntimeApi, serve: Serve) -> None:
    serve(hello, **SNAP_START)
    await api.polled(1)
    assert api.connections == 2


async def test_failing_snapshot_hook_is_init_error(api: RuntimeApi, serve: Serve, registry: Registry) -> None:
    registry.before.append((fail, (), {}))
    assert await in_time(serve(hello, **SNAP_START)) == 64
    assert (await api.init_failed())["errorMessage"] == "the hook failed"
    assert (api.init_error_type, api.snapshots) == ("Runtime.BeforeSnapshotError", 0)


async def test_refused_snapshot_is_init_error(api: RuntimeApi, serve: Serve) -> None:
    api.restore_status = 403
    assert await in_time(serve(hello, **SNAP_START)) == 64
    assert "403" in (await api.init_failed())["errorMessage"]


async def test_failing_restore_hook_is_restore_error(api: RuntimeApi, serve: Serve, registry: Registry) -> None:
    registry.after.append((fail, (), {}))
    assert await in_time(serve(hello, **SNAP_START)) == 65
    assert (api.restore_error or {})["errorMessage"] == "the hook failed"
    assert (api.restore_error_type, api.polls) == ("Runtime.AfterRestoreError", 0)


async def test_failing_rebuild_is_restore_error(api: RuntimeApi) -> None:
    apps: list[ASGI] = [hello]
    assert await in_time(start(api, apps.pop)) == 65
    assert (api.restore_error or {})["errorType"] == "IndexError"


async def test_missing_package_means_no_hooks(api: RuntimeApi, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", None)
    call = api.invoke(function_url())
    serve(hello, **SNAP_START)
    assert (await call.end()).content == b"hello"


async def test_restored_environment_reseeds_random(api: RuntimeApi, serve: Serve, registry: Registry) -> None:
    random.seed(1)
    of_the_snapshot = random.getstate()
    restored: list[object] = []
    registry.after.append((lambda: restored.append(random.getstate()), (), {}))
    serve(hello, **SNAP_START)
    await api.polled(1)
    assert restored != [of_the_snapshot]


async def test_no_snapstart_means_no_snapshot(api: RuntimeApi, serve: Serve) -> None:
    serve(hello)
    await api.polled(1)
    assert api.snapshots == 0
