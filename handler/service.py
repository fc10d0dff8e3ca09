"""Serves one invocation for both entry points: a request, a ping, or an error.

It takes an event and writes to a sink: the connection to the Runtime API, or a Reply on
the managed runtime's client. Any event and any failure of the app become a response or
a report. Nothing is raised.
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
    """Serves one app between startup and shutdown, also concurrent invocations."""

    def __init__(self, app: ASGI, bridge: Bridge, state: Mapping[str, Any], *, buffered: bool) -> None:
        """`state` is the lifespan's; `buffered` never streams a response."""
        self._app = app
        self._bridge = bridge
        self._state = state
        self._buffered = buffered

    async def respond(
        self, invocation: Invocation, context: LambdaContext, event: object, sink: Sink, reporter: Reporter
    ) -> None:
        """Writes the answer to an event, which is JSON as bytes or already parsed."""
        document: object = None
        try:
            document = _parsed(event) if isinstance(event, bytes) else event
            request = self._request(invocation, context, document)
        except Exception as error:  # noqa: BLE001 - no event may end the process
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
            error = outcome(work) if work.done() else DeadlineExceededError("function timed out")
        finally:
            work.cancel()
            await asyncio.wait({work}, timeout=CLEANUP)
        if error:
            reporter.failed(FailureStage.AFTER_RESPONSE, error, "warm-up of the app failed")

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
        reporter.undelivered(f"failed to write to the Runtime API: {cut!r}", cut)
