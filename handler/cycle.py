"""Runs the app for one request and writes its response.

A cycle ends in one of four ways. The app completes its response; it fails before the
first byte, which sends a report in place of the response; it fails after the first
byte, which sends trailers; or it fails after its response, which is only logged. A
time-out and a shutdown are failures as well. As long as the connection stands, the
Runtime API always receives an end.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Protocol

from mangum.types import ASGI, Message

from handler.asgi import call
from handler.bridge import HttpRequest
from handler.errors import DeadlineExceededError, ErrorReport, IncompleteResponseError, ShuttingDownError
from handler.protocol import Write
from handler.reporting import FailureStage, Reporter
from handler.response import Response, State
from handler.tasks import Tasks, outcome, run_to_completion, track_in

CLEANUP = 0.2  # seconds that a cancelled app has to close its resources
SENDING = 0.2  # seconds to write a failure; both fit into the margin before the deadline
# Seconds to wait for tasks that the app started and did not await. A library may start
# one that lives as long as the process, and then each invocation is paid for this time.
TASKS_LIMIT = 10.0
FAIRNESS = 16  # messages after which a sending app yields: a socket with room never blocks

_MOMENTS = {
    State.START: FailureStage.BEFORE_FIRST_BYTE,
    State.BODY: FailureStage.AFTER_FIRST_BYTE,
    State.COMPLETE: FailureStage.AFTER_RESPONSE,
}

_INCOMPLETE = {
    State.START: "the app returned without starting its response",
    State.BODY: "the app returned without completing its response",
}


class Sink(Protocol):
    """Takes what is written: a `Connection`, or what stands for one."""

    async def write(self, writes: Sequence[Write]) -> None:
        """Returns when there is room for more.

        Raises OSError if nothing more is taken.
        """

    @property
    def awaits_answer(self) -> bool:
        """Whether anything was taken."""

    def abort(self) -> None:
        """Nothing more will be written."""


class Cycle:
    """The server side of one ASGI HTTP request."""

    def __init__(self, app: ASGI, request: HttpRequest, response: Response, sink: Sink, reporter: Reporter) -> None:
        self._request = request
        self._response = response
        self._sink = sink
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._inbox.put_nowait({"type": "http.request", "body": request.body, "more_body": False})
        self._over = asyncio.Event()
        self._cut: OSError | None = None
        self._sent = 0
        self._tasks: Tasks = set()
        self._app = app
        self._reporter = reporter
        self._log = reporter.log

    async def run(self, limit: float | None) -> None:
        """Returns when the app and its background work have ended or were stopped.

        The app is stopped after `limit` seconds, or if this method is cancelled. Its
        tasks are awaited until the same limit, but at most TASKS_LIMIT.
        """
        began = time.monotonic()
        app = asyncio.create_task(self._call())
        failure: BaseException | None = None
        try:
            await asyncio.wait({app}, timeout=limit)
            if not app.done():
                failure = DeadlineExceededError("function timed out")
                await self._stop(app)
        except asyncio.CancelledError:
            if not app.done():
                failure = failure or ShuttingDownError("the environment is being shut down")
                await self._stop(app)
            await run_to_completion(self._conclude(failure or outcome(app)))
            raise
        await run_to_completion(self._conclude(failure or outcome(app)))
        left = TASKS_LIMIT if limit is None else limit - (time.monotonic() - began)
        await self._wait_for_tasks(min(left, TASKS_LIMIT))

    async def _call(self) -> None:
        track_in(self._tasks)
        await call(self._app, self._request.scope, self._receive, self._send)

    async def _stop(self, app: asyncio.Task[None]) -> None:
        app.cancel()
        await asyncio.wait({app}, timeout=CLEANUP)
        if not app.done():
            self._log.error("the app ignores its cancellation")
        elif not app.cancelled() and (error := app.exception()):
            self._log.error("the app failed during its cancellation", exc_info=error)

    async def _wait_for_tasks(self, limit: float) -> None:
        ends = time.monotonic() + limit
        try:
            while self._tasks and (left := ends - time.monotonic()) > 0:
                await asyncio.wait(self._tasks, timeout=left)
        except asyncio.CancelledError:
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=CLEANUP)
            raise
        if self._tasks:
            self._log.warning("background tasks still running at freeze: %s", ", ".join(map(str, self._tasks)))

    async def _fail(self, failure: BaseException) -> None:
        """Ends the response as failed, unless it is complete or cut."""
        writes = self._response.fail(ErrorReport.of(failure))
        self._over.set()
        cut, self._cut = self._cut, ConnectionAbortedError("the response ended as failed")
        if not writes or cut is not None:
            return
        try:
            async with asyncio.timeout(SENDING):
                await self._sink.write(writes)
        except OSError as error:  # the time-out among them
            self._log.warning("failed to send the failure: %r", error)
            self._sink.abort()

    async def _conclude(self, error: BaseException | None) -> None:
        if error is not None and self._cut is None and not self._sink.awaits_answer:
            self._response.rewind()  # there was no connection yet, so nothing was sent
        moment = _MOMENTS[self._response.sent]
        if self._cut is not None:
            self._reporter.undelivered(f"the response was cut off: {self._cut}", self._cut)
            if error is not None and not _is_of_the_cut(error):
                self._log.error("the app failed after its response was cut off", exc_info=error)
        elif self._response.complete and error is not None:
            self._reporter.failed(moment, error, "the app failed after its response")
        elif not self._response.complete:
            error = error or IncompleteResponseError(_INCOMPLETE[self._response.state])
            self._reporter.failed(moment, error, "the app failed")
            await self._fail(error)

    async def _receive(self) -> Message:
        """Returns the body in one message, then a disconnect after the response."""
        if self._inbox.empty():
            await self._over.wait()
            return {"type": "http.disconnect"}
        return self._inbox.get_nowait()

    async def _send(self, message: Message) -> None:
        """Writes a message of the app.

        Raises UnexpectedMessageError, and OSError if the client is gone (ASGI 2.4). It
        yields to the event loop now and then, so that an app that sends in an endless
        loop can still be stopped.
        """
        self._sent += 1
        if self._cut is not None or self._sent % FAIRNESS == 0:
            await asyncio.sleep(0)
        if self._cut is not None:
            raise ConnectionResetError("the response was cut off") from self._cut
        writes = self._response.send(message)
        try:
            if writes:
                await self._sink.write(writes)
        except OSError as cut:
            self._cut = cut
            self._over.set()
            raise
        if self._response.complete:
            self._over.set()


def _is_of_the_cut(error: BaseException) -> bool:
    """Whether the error is the OSError that a sending app receives after a cut."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(OSError)[1] is None
    return isinstance(error, OSError)
