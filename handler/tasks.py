"""The tasks that an app starts in an invocation and leaves running when it returns.

On Lambda a process is frozen between two invocations, and such a task with it, half-way through whatever it does. Each
task that begins in a context with a set of tasks is in that set while it runs: by a task factory, around the one that
the event loop has. What an app starts in its lifespan, in a thread, or in a context of its own
(`create_task(..., context=contextvars.Context())`) is in none: that is for what lives as long as the process.
"""

import asyncio
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any

Tasks = set["asyncio.Future[Any]"]

_tasks: ContextVar[Tasks] = ContextVar("tasks")


def note_tasks() -> None:
    """From now on the tasks of this event loop are noted."""
    loop = asyncio.get_running_loop()
    make = loop.get_task_factory() or _make

    def make_and_note(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> "asyncio.Future[Any]":  # noqa: ANN401 - whatever asyncio passes on
        task = make(loop, coroutine, **options)
        context = options.get("context")
        tasks = context.get(_tasks) if context is not None else _tasks.get(None)
        if tasks is not None:
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        return task

    loop.set_task_factory(make_and_note)


def note_in(tasks: Tasks) -> None:
    """The tasks that begin in this context, and in those that are copied from it, are noted in this set."""
    _tasks.set(tasks)


def _make(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:  # noqa: ANN401 - as above
    return asyncio.Task(coroutine, loop=loop, **options)


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Work that takes no longer than it may is not cut short: a cancellation waits until it is done."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


async def race(work: Coroutine[Any, Any, None], limit: Coroutine[Any, Any, None]) -> bool:
    """Runs both until one is done, and cancels the other. Returns whether `work` is done; raises what it raised."""
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
    """What a task that is done has raised; a CancelledError that says so where it was of its own."""
    return asyncio.CancelledError("the app cancelled itself") if task.cancelled() else task.exception()
