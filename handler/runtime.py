"""The life of the process: build the app, start it, poll the Runtime API until told to stop, shut the app down.

With SnapStart there is a snapshot between start and polling. It keeps what was imported; the app itself is shut down
before it and built and started anew after it, so that no connection, client or secret of the first one is used.

`run` returns the exit code and raises nothing: that of the phase in which it failed, 1 too where the Runtime API is
lost, 0 after SIGTERM. No failure of an invocation ends the process.
"""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Self

from mangum.types import ASGI

from handler.bridge import Bridge
from handler.connection import Connection
from handler.endpoint import Endpoint
from handler.environment import Environment
from handler.errors import ErrorReport
from handler.lifespan import Lifespan
from handler.logs import configure, logger
from handler.poller import Poller
from handler.protocol import Write, init_error, restore_error
from handler.reporting import OnFailure, uncounted
from handler.service import Service
from handler.snapstart import after_restore, before_snapshot, restored
from handler.tasks import note_tasks, to_the_end

EXIT_LIMIT = 0.5
"""Seconds for the end of the process, once all is said."""

REPORT_LIMIT = 1.0
"""Seconds for the Runtime API to take the news that there is no app."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the start: how the Runtime API is told that it failed, and the exit code then."""

    request: Callable[[ErrorReport], list[Write]]
    exit_code: int
    error_type: str | None = None
    """In place of the failure's own, as AWS's client has it."""


INIT = Phase(init_error, 1)
SNAPSHOT = Phase(init_error, 64, "Runtime.BeforeSnapshotError")
RESTORE = Phase(restore_error, 65, "Runtime.AfterRestoreError")


@dataclass(frozen=True, slots=True)
class Running:
    """An app between its startup and its shutdown."""

    app: ASGI
    lifespan: Lifespan

    @classmethod
    async def start(cls, create_app: Callable[[], ASGI]) -> Self:
        """Raises what building the app or its startup raises."""
        app = create_app()
        lifespan = Lifespan(app)
        try:
            await lifespan.startup()
        except asyncio.CancelledError:
            await lifespan.abandon()
            raise
        return cls(app, lifespan)

    def service(self, environment: Environment) -> Service:
        bridge = Bridge(self.app, environment.base_path)
        return Service(self.app, bridge, self.lifespan.state, buffered=environment.buffered)


def serve(create_app: Callable[[], ASGI], variables: Mapping[str, str], on_failure: OnFailure = uncounted) -> int:
    """`run`, for a process that has nothing else to do. Returns the exit code, and sees to it that the process ends:
    whatever an app has left behind (tasks, threads, atexit functions) has EXIT_LIMIT to do so.
    """
    code = 1
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        living = loop.create_task(run(create_app, variables, on_failure))
        try:
            while not living.done():
                with suppress(SystemExit):  # of some task of the app's, where it stays as that task's exception
                    loop.run_until_complete(living)
            code = living.result()
        finally:
            threading.Thread(target=_exit, args=(code,), daemon=True).start()
            with suppress(Exception):  # closed by the app, perhaps
                sys.stdout.flush()
    return code


def _exit(code: int) -> None:
    time.sleep(EXIT_LIMIT)
    os._exit(code)


async def run(create_app: Callable[[], ASGI], variables: Mapping[str, str], on_failure: OnFailure = uncounted) -> int:
    """Serves the app that `create_app` makes; `variables` are the environment's, AWS_LAMBDA_RUNTIME_API among them.

    `on_failure` hears of each invocation that failed, once.
    """
    return await _until_sigterm(_live(create_app, variables, on_failure))


async def _live(create_app: Callable[[], ASGI], variables: Mapping[str, str], on_failure: OnFailure) -> int:
    endpoint = Endpoint.read(variables)
    phase = INIT
    note_tasks()
    try:
        environment = Environment.read(variables)
        running = await Running.start(create_app)
        if environment.snap_start:
            phase = SNAPSHOT
            try:
                await before_snapshot()
            finally:
                await running.lifespan.shutdown()
            await restored(endpoint)
            phase = RESTORE
            await after_restore()
            running = await Running.start(create_app)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever an app raises while it is built
        with suppress(asyncio.CancelledError):  # what ends the process now is the failure
            await to_the_end(_tell(endpoint, phase, error, variables))
        return phase.exit_code
    try:
        configure(variables)
        service = running.service(environment)
        pollers = [
            Poller(service, environment, Connection(endpoint), on_failure) for _ in range(environment.concurrency)
        ]
        await _poll_all(pollers)
    finally:
        await running.lifespan.shutdown()
    return 0


async def _tell(endpoint: Endpoint, phase: Phase, error: BaseException, variables: Mapping[str, str]) -> None:
    """Logs why there is no app, and tells the Runtime API, if that listens. Raises nothing."""
    try:
        configure(variables)
    except Exception:  # noqa: BLE001 - the report of a failure may not fail
        logger.exception("the log cannot be set up")
    logger.error("the app cannot be started", exc_info=error)
    report = ErrorReport.of(error)
    try:
        async with asyncio.timeout(REPORT_LIMIT), Connection(endpoint) as connection:
            answer = await connection.exchange(phase.request(replace(report, type=phase.error_type or report.type)))
    except OSError as cut:  # the time-out among them
        logger.warning("the Runtime API could not be told: %r", cut)
    else:
        logger.info("the Runtime API answered %s to the failure", answer.status)


async def _poll_all(pollers: Sequence[Poller]) -> None:
    """All pollers on this event loop, until cancelled, or until one has lost the Runtime API: RuntimeApiLostError.

    There are as many as the environment may be given invocations at once. Where one is lost, the others finish what
    they serve.
    """
    running = {asyncio.create_task(poller.run()): poller for poller in pollers}
    try:
        await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task, poller in running.items():
            if not poller.retire():
                task.cancel()
        await asyncio.wait(running)
    except asyncio.CancelledError:
        for task in running:
            task.cancel()
        await asyncio.wait(running)
        raise
    for error in [task.exception() for task in running if not task.cancelled()]:
        if error:
            raise error


async def _until_sigterm(life: Coroutine[None, None, int]) -> int:
    living = asyncio.create_task(life)
    with _on_sigterm(lambda: living.cancelling() or living.cancel()):  # a second signal must not cut the shutdown short
        try:
            await asyncio.wait({living})
        finally:
            living.cancel()
            await asyncio.wait({living})
    if living.cancelled():
        return 0
    if error := living.exception():
        logger.critical("the handler gives up", exc_info=error)
        return 1
    return living.result()


@contextmanager
def _on_sigterm(act: Callable[[], object]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, act)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
