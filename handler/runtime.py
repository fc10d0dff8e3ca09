"""The life of the process: builds and starts the app, polls
the Runtime API, shuts down.

With SnapStart there is a snapshot between start and polling. It keeps the imports. The
app is shut down before the snapshot and built again after it, so that no connection,
client or secret of the first app is used.

`run` returns the exit code and raises nothing: 0 after SIGTERM, 1 if the Runtime API is
lost, else the code of the failed phase. No failure of an invocation ends the process.
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
from handler.snapstart import after_restore, before_snapshot, wait_for_restore
from handler.tasks import run_to_completion, track_tasks

EXIT_LIMIT = 0.5  # seconds until the process is ended by force
REPORT_LIMIT = 1.0  # seconds for the report of a failed start


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the start: the report of its failure, and the exit code.

    `error_type` replaces the failure's own type, as in AWS's client.
    """

    request: Callable[[ErrorReport], list[Write]]
    exit_code: int
    error_type: str | None = None


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
        """Builds and starts the app. Raises what that raises."""
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
    """Runs `run` as the whole process. Returns the exit code.

    Tasks, threads and atexit functions of the app have EXIT_LIMIT to end; then the
    process is ended.
    """
    code = 1
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        living = loop.create_task(run(create_app, variables, on_failure))
        try:
            while not living.done():
                with suppress(SystemExit):  # of a task of the app
                    loop.run_until_complete(living)
            code = living.result()
        finally:
            threading.Thread(target=_exit, args=(code,), daemon=True).start()
            with suppress(Exception):  # the app may have closed it
                sys.stdout.flush()
    return code


def _exit(code: int) -> None:
    time.sleep(EXIT_LIMIT)
    os._exit(code)


async def run(create_app: Callable[[], ASGI], variables: Mapping[str, str], on_failure: OnFailure = uncounted) -> int:
    """Serves the app of `create_app`. Returns the exit code.

    `variables` are those of the environment, including AWS_LAMBDA_RUNTIME_API.
    `on_failure` is called once for each failed invocation.
    """
    return await _until_sigterm(_live(create_app, variables, on_failure))


async def _live(create_app: Callable[[], ASGI], variables: Mapping[str, str], on_failure: OnFailure) -> int:
    endpoint = Endpoint.read(variables)
    phase = INIT
    track_tasks()
    try:
        environment = Environment.read(variables)
        running = await Running.start(create_app)
        if environment.snap_start:
            phase = SNAPSHOT
            try:
                await before_snapshot()
            finally:
                await running.lifespan.shutdown()
            await wait_for_restore(endpoint)
            phase = RESTORE
            await after_restore()
            running = await Running.start(create_app)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - an app may raise anything during its build
        with suppress(asyncio.CancelledError):  # the failure ends the process
            await run_to_completion(_report_failure(endpoint, phase, error, variables))
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


async def _report_failure(endpoint: Endpoint, phase: Phase, error: BaseException, variables: Mapping[str, str]) -> None:
    """Logs the failure of the start and reports it to the Runtime API.

    Raises nothing.
    """
    try:
        configure(variables)
    except Exception:  # noqa: BLE001 - the report of a failure may not fail
        logger.exception("failed to configure logging")
    logger.error("failed to start the app", exc_info=error)
    report = ErrorReport.of(error)
    try:
        async with asyncio.timeout(REPORT_LIMIT), Connection(endpoint) as connection:
            answer = await connection.exchange(phase.request(replace(report, type=phase.error_type or report.type)))
    except OSError as cut:  # the time-out among them
        logger.warning("failed to report to the Runtime API: %r", cut)
    else:
        logger.info("the Runtime API answered %s to the failure", answer.status)


async def _poll_all(pollers: Sequence[Poller]) -> None:
    """Runs all pollers, one for each concurrent invocation, until cancelled.

    Raises RuntimeApiLostError if one of them loses the Runtime API; the others finish
    their invocations first.
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
    with _on_sigterm(lambda: living.cancelling() or living.cancel()):  # a second signal must not interrupt the shutdown
        try:
            await asyncio.wait({living})
        finally:
            living.cancel()
            await asyncio.wait({living})
    if living.cancelled():
        return 0
    if error := living.exception():
        logger.critical("the handler ends", exc_info=error)
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
