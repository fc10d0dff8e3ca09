"""Runs the app's lifespan, once per execution environment.

One task runs the app in the lifespan scope from startup to shutdown, so that the same
task opens and closes the app's resources. An app without lifespan support is served
without one, as the specification requires.

Source: ASGI, "Lifespan Protocol" 2.0.
"""

import asyncio
from typing import Any

from mangum.types import ASGI, Message

from handler.asgi import call
from handler.errors import AppExitError, LifespanError, UnexpectedMessageError
from handler.logs import logger

LIMIT = 2.0  # seconds for a shutdown; after that Lambda kills the process
CLEANUP = 0.2  # seconds that a cancelled app has to end

_MESSAGES = {f"lifespan.{phase}.{outcome}" for phase in ("startup", "shutdown") for outcome in ("complete", "failed")}


class Lifespan:
    """The lifespan of one app.

    Between `startup` and `shutdown`, `state` holds what the app stored for its
    requests.
    """

    def __init__(self, app: ASGI) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def startup(self) -> None:
        """Return when the app is ready.

        Raises what the startup raised, or LifespanError if the app only reported a
        failure.
        """
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        self._task = asyncio.create_task(self._run(scope))
        answer = await self._send(self._task, "startup")
        if answer is None and isinstance(error := _error(self._task), AppExitError):
            raise error
        if answer is None:
            logger.info("the app does not support lifespan", exc_info=_error(self._task))
            self._task = None
        elif answer["type"] != "lifespan.startup.complete":
            await asyncio.wait({self._task}, timeout=LIMIT)
            raise _error(self._task) or LifespanError(answer.get("message") or answer["type"])

    async def shutdown(self) -> None:
        """Return when the app has shut down, or after LIMIT. Failures are logged."""
        if self._task is None:
            return
        if self._task.done():
            logger.error("the app's lifespan ended before its shutdown", exc_info=_error(self._task))
            return
        answer: Message | None = None
        try:
            async with asyncio.timeout(LIMIT):
                answer = await self._send(self._task, "shutdown")
                await asyncio.wait({self._task})
        except TimeoutError:
            await self.abandon()
            logger.error("the app's shutdown took longer than %s s", LIMIT)
        error = _error(self._task)
        if error or (answer and answer["type"] != "lifespan.shutdown.complete"):
            logger.error("the app's shutdown failed: %s", (answer or {}).get("message", ""), exc_info=error)

    async def abandon(self) -> None:
        """Cancel the app's task instead of shutting it down."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=CLEANUP)

    async def _run(self, scope: dict[str, Any]) -> None:
        await call(self._app, scope, self._to_app.get, self._take)

    async def _take(self, message: Message) -> None:
        if message["type"] not in _MESSAGES:  # an app that treats every scope as a request
            raise UnexpectedMessageError(f"{message['type']} is not a lifespan message")
        self._from_app.put_nowait(message)

    async def _send(self, task: asyncio.Task[None], phase: str) -> Message | None:
        """Send lifespan.<phase>. Returns the app's answer, or None if the app ended."""
        self._to_app.put_nowait({"type": f"lifespan.{phase}"})
        answer = asyncio.create_task(self._from_app.get())
        await asyncio.wait({task, answer}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        answer.cancel()
        return None


def _error(task: asyncio.Task[None]) -> BaseException | None:
    return task.exception() if task.done() and not task.cancelled() else None
