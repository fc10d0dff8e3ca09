"""The life of the process: build the app, start it, poll the Runtime API until told to stop, shut the app down.

`run` returns the exit code and raises nothing: 1 where the app cannot be started (which init/error is told) or the
Runtime API is lost, 0 after SIGTERM. No failure of an invocation ends the process.
"""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mangum.types import ASGI

from handler.connection import Connection
from handler.environment import RUNTIME_API, Environment
from handler.errors import ErrorReport
from handler.lifespan import Lifespan
from handler.logs import logger
from handler.poller import Poller
from handler.protocol import init_error


async def run(create_app: Callable[[], ASGI], variables: Mapping[str, str]) -> int:
    """Serves the app that `create_app` makes; `variables` are the environment's, AWS_LAMBDA_RUNTIME_API among them."""
    address = variables[RUNTIME_API]
    try:
        environment = Environment.read(variables)
        app = create_app()
        lifespan = Lifespan(app)
        await lifespan.startup()
    except Exception as error:  # noqa: BLE001 - whatever an app raises while it is built
        logger.exception("the app cannot be started")
        await _report_init_error(address, error)
        return 1
    try:
        return await _poll_until_stopped(_poll_all(app, environment, lifespan.state, address))
    finally:
        await lifespan.shutdown()


async def _report_init_error(address: str, error: Exception) -> None:
    async with Connection(address) as connection:
        try:
            answer = await connection.exchange(init_error(ErrorReport.of(error)))
        except OSError as cut:
            logger.warning("the Runtime API could not be told: %r", cut)
        else:
            logger.info("the Runtime API answered %s to the failure", answer.status)


async def _poll_all(app: ASGI, environment: Environment, state: Mapping[str, Any], address: str) -> None:
    """As many pollers on this event loop as the environment may be given invocations at once, until cancelled.

    Raises a group of RuntimeApiLostError.
    """
    async with asyncio.TaskGroup() as pollers:
        for _ in range(environment.concurrency):
            pollers.create_task(Poller(app, environment, state, Connection(address)).run())


async def _poll_until_stopped(poll: Coroutine[None, None, None]) -> int:
    polling = asyncio.create_task(poll)
    with _on_sigterm(polling.cancel):
        try:
            await asyncio.wait({polling})
        finally:
            polling.cancel()
            await asyncio.wait({polling})
    if polling.cancelled():
        return 0
    logger.critical("the handler gives up", exc_info=polling.exception())
    return 1


@contextmanager
def _on_sigterm(act: Callable[[], object]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, act)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
