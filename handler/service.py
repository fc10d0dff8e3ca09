"""One invocation served, whichever entry point it came by: a request by the app, a ping by itself, the rest refused.

In comes the event, out go `Write`s into a sink: the connection to the Runtime API, or what
stands for it if AWS's own client has that connection. Whatever is in an event, and
whatever an app does, becomes a response or a report; nothing is raised.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

from mangum.types import ASGI, LambdaContext

from handler.bridge import Bridge, HttpRequest, extend
from handler.cycle import CLEANUP, Cycle, Sink
from handler.errors import DeadlineExceededError, ErrorReport, UnsupportedEventError
from handler.protocol import Invocation, Write
from handler.reporting import FailureStage, Reporter
from handler.response import response_to
from handler.tasks import outcome
from handler.warm_up import ANSWER, WARM_UP, is_ping


class Service:
    """Serves one app between its startup and its shutdown; any number of invocations at a time."""

    def __init__(self, app: ASGI, bridge: Bridge, state: Mapping[str, Any], *, buffered: bool) -> None:
        """`state` is the lifespan's; `buffered` keeps every response whole."""
        self._app = app
        self._bridge = bridge
        self._state = state
        self._buffered = buffered

    async def respond(
        self, invocation: Invocation, context: LambdaContext, event: object, sink: Sink, reporter: Reporter
    ) -> None:
        """Writes the answer to an event: JSON as bytes, or what was parsed from it."""
        document: object = None
        try:
            document = _parsed(event) if isinstance(event, bytes) else event
            request = self._request(invocation, context, document)
        except Exception as error:  # noqa: BLE001 - no event, whatever is in it, may end the process
            await self._respond_without_app(invocation, document, error, sink, reporter)
        else:
            response = response_to(invocation, request, buffered=self._buffered)
            cycle = Cycle(self._app, request, response, sink, reporter)
            await cycle.run(invocation.time_left(time.time()))

    def _request(self, invocation: Invocation, context: LambdaContext, document: object) -> HttpRequest:
        request = self._bridge.request(document, context)
        extend(request.scope, invocation, self._state)
        return request

    async def _respond_without_app(
        self, invocation: Invocation, document: object, error: Exception, sink: Sink, reporter: Reporter
    ) -> None:
        if isinstance(error, UnsupportedEventError) and is_ping(document):
            await _write(invocation.response(ANSWER), sink, reporter)
            await self._warm_up(invocation, reporter)
        else:
            reporter.failed(FailureStage.EVENT, error, "the event cannot be served")
            await _write(invocation.error(ErrorReport.of(error)), sink, reporter)

    async def _warm_up(self, invocation: Invocation, reporter: Reporter) -> None:
        if WARM_UP not in self._state:
            return
        work = asyncio.create_task(self._run_warm_up())
        error: BaseException | None = None
        try:
            await asyncio.wait({work}, timeout=invocation.time_left(time.time()))
            error = outcome(work) if work.done() else DeadlineExceededError("the time limit of the function has come")
        finally:
            work.cancel()
            await asyncio.wait({work}, timeout=CLEANUP)
        if error:
            reporter.failed(FailureStage.AFTER_RESPONSE, error, "the app could not be warmed up")

    async def _run_warm_up(self) -> None:
        await self._state[WARM_UP]()


def _parsed(event: bytes) -> object:
    try:
        return json.loads(event)
    except (ValueError, RecursionError) as error:
        raise UnsupportedEventError from error


async def _write(writes: list[Write], sink: Sink, reporter: Reporter) -> None:
    try:
        await sink.write(writes)
    except OSError as cut:
        reporter.undelivered(f"the Runtime API could not be told: {cut!r}", cut)
