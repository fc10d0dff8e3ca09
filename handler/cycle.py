"""One request and its response: runs the app, hands it the request, writes what it sends, ends what it leaves open.

A cycle ends in one of four ways, and never without a word to the Runtime API where the connection still stands: the
app completes its response; it fails before the first byte (a report in place of the response); it fails after it
(trailers); or it completes and fails afterwards, which is logged only. Running into the deadline and being shut down
are failures like others.
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
from handler.tasks import Tasks, note_in, outcome, to_the_end

CLEANUP = 0.2
"""Seconds that a cancelled app has to close what it holds."""

SENDING = 0.2
"""Seconds that a failure may take on its way into the socket. Both fit into the margin before the deadline."""

TASKS_LIMIT = 10.0
"""Seconds for what an app has left running. It may be a library's that lives as long as the process, and each
invocation that begins one waits, and is paid, for so long."""

FAIRNESS = 16
"""Messages after which an app that does nothing but send lets others run: a socket with room makes nobody wait."""

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
        """Returns when there is room for more. Raises OSError if nothing more is taken."""

    @property
    def awaits_answer(self) -> bool:
        """Whether anything was taken."""

    def abort(self) -> None:
        """Nothing more will be written."""


class Cycle:
    """The ASGI server's side of one HTTP request."""

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
        """Returns when the app has returned, also from what it does after its response, or has been stopped.

        The app is stopped after `limit` seconds, and where this is cancelled. What it has left running is waited for
        as long, but not longer than TASKS_LIMIT.
        """
        began = time.monotonic()
        app = asyncio.create_task(self._call())
        failure: BaseException | None = None
        try:
            await asyncio.wait({app}, timeout=limit)
            if not app.done():
                failure = DeadlineExceededError("the time limit of the function has come")
                await self._stop(app)
        except asyncio.CancelledError:
            if not app.done():
                failure = failure or ShuttingDownError("the environment is being shut down")
                await self._stop(app)
            await to_the_end(self._conclude(failure or outcome(app)))
            raise
        await to_the_end(self._conclude(failure or outcome(app)))
        left = TASKS_LIMIT if limit is None else limit - (time.monotonic() - began)
        await self._wait_for_tasks(min(left, TASKS_LIMIT))

    async def _call(self) -> None:
        note_in(self._tasks)
        await call(self._app, self._request.scope, self._receive, self._send)

    async def _stop(self, app: asyncio.Task[None]) -> None:
        app.cancel()
        await asyncio.wait({app}, timeout=CLEANUP)
        if not app.done():
            self._log.error("the app does not stop when it is cancelled")
        elif not app.cancelled() and (error := app.exception()):
            self._log.error("the app failed when it was cancelled", exc_info=error)

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
            self._log.warning("what the app has left running is frozen: %s", ", ".join(map(str, self._tasks)))

    async def _fail(self, failure: BaseException) -> None:
        """Ends the response as failed, unless it is complete or the connection is cut."""
        writes = self._response.fail(ErrorReport.of(failure))
        self._over.set()
        cut, self._cut = self._cut, ConnectionAbortedError("the response has been ended as failed")
        if not writes or cut is not None:
            return
        try:
            async with asyncio.timeout(SENDING):
                await self._sink.write(writes)
        except OSError as error:  # the time-out among them
            self._log.warning("the failure could not be told: %r", error)
            self._sink.abort()

    async def _conclude(self, error: BaseException | None) -> None:
        if error is not None and self._cut is None and not self._sink.awaits_answer:
            self._response.state = State.START  # what the app has sent had no connection yet: nothing of it went out
        moment = _MOMENTS[self._response.sent]
        if self._cut is not None:
            self._reporter.undelivered(f"the response was cut off: {self._cut}", self._cut)
            if error is not None and not _is_of_the_cut(error):
                self._log.error("the app failed, after its response was cut off", exc_info=error)
        elif self._response.complete and error is not None:
            self._reporter.failed(moment, error, "the app failed after its response")
        elif not self._response.complete:
            error = error or IncompleteResponseError(_INCOMPLETE[self._response.state])
            self._reporter.failed(moment, error, "the app failed")
            await self._fail(error)

    async def _receive(self) -> Message:
        """The request's body in one message, then the disconnect, once the response is complete or cut."""
        if self._inbox.empty():
            await self._over.wait()
            return {"type": "http.disconnect"}
        return self._inbox.get_nowait()

    async def _send(self, message: Message) -> None:
        """Raises UnexpectedMessageError, and OSError when nobody takes the response any more (ASGI 2.4).

        However an app takes that, the event loop goes on: one that sends in an endless loop can still be stopped.
        """
        self._sent += 1
        if self._cut is not None or self._sent % FAIRNESS == 0:
            await asyncio.sleep(0)
        if self._cut is not None:
            raise ConnectionResetError("nobody takes the response any more") from self._cut
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
    """Whether it is what an app that goes on sending gets to hear."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(OSError)[1] is None
    return isinstance(error, OSError)
