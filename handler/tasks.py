"""Tracks the tasks that an app starts in an invocation and does not await.

Lambda freezes the process between two invocations, and with it a task that is still
running. A task factory, around the event loop's own, adds each task to the set of the
context in which it starts. Tasks that start in the lifespan, in a thread or in a
context of their own (`create_task(..., context=contextvars.Context())`) are not
tracked, because they may live as long as the process.
"""

import asyncio
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any

Tasks = set["asyncio.Future[Any]"]

_tasks: ContextVar[Tasks] = ContextVar("tasks")


def track_tasks() -> None:
    """Install the task factory on the running event loop."""
    loop = asyncio.get_running_loop()
    make = loop.get_task_factory() or _make

    def make_and_track(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> "asyncio.Future[Any]":  # noqa: ANN401 - asyncio passes them on
        task = make(loop, coroutine, **options)
        context = options.get("context")
        tasks = context.get(_tasks) if context is not None else _tasks.get(None)
        if tasks is not None:
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        return task

    loop.set_task_factory(make_and_track)


def track_in(tasks: Tasks) -> None:
    """Track in `tasks` all tasks that start in this context or in copies of it."""
    _tasks.set(tasks)


def _make(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:  # noqa: ANN401 - as above
    return asyncio.Task(coroutine, loop=loop, **options)


async def run_to_completion(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` to completion even if cancelled, then raise the cancellation.

    Only for work that is bounded in time.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


async def race(work: Coroutine[Any, Any, None], limit: Coroutine[Any, Any, None]) -> bool:
    """Runs both until one is done, and cancels the other.

    Returns whether `work` is done; raises what it raised.
    """
    working, limiting = asyncio.create_task(work), asyncio.create_task(limit)
    both = {working, limiting}
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        done = working.done()
    finally:
        for task in both:
            task.cancel()
        await asyncio.wait(both)
    if done:
        working.result()
    return done


def outcome(task: "asyncio.Task[Any]") -> BaseException | None:
    """Return what a finished task raised; a CancelledError if it cancelled itself."""
    return asyncio.CancelledError("the app cancelled itself") if task.cancelled() else task.exception()
