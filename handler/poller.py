"""One poller: next event -> the service -> the Runtime API's answer -> next event.

It ends when it is retired or cancelled. It raises RuntimeApiLostError if the Runtime
API gives no next event. No failure in an invocation ends it.
"""

import asyncio
import logging
import os
import time

from handler.connection import Answer, Connection
from handler.environment import Environment, LambdaContext
from handler.errors import RuntimeApiLostError
from handler.logs import about, logger
from handler.protocol import ACCEPTED, ANSWERS, UNRECOVERABLE, Invocation, next_invocation
from handler.reporting import FailureStage, OnFailure, Reporter
from handler.service import Service

# Seconds before each attempt to get the next event. After the last attempt the Runtime
# API counts as lost.
RETRY_DELAYS = (0.0, 0.1, 0.4, 1.6)
# Seconds after the deadline to wait for the answer to a response, which comes when the
# client has received all of it.
ANSWER_LIMIT = 1.0
ANSWER_LIMIT_UNDATED = 60.0  # seconds after the response, if there is no deadline
ANSWER_LIMIT_SHUTDOWN = 0.2  # seconds after a SIGTERM

_TRACE_ID = "_X_AMZN_TRACE_ID"


class Poller:
    """Serves one invocation at a time, on its own connection."""

    def __init__(
        self,
        service: Service,
        environment: Environment,
        connection: Connection,
        on_failure: OnFailure,
    ) -> None:
        self._service = service
        self._environment = environment
        self._connection = connection
        self._on_failure = on_failure
        self._retired = False
        self._idle = True

    async def run(self) -> None:
        """Polls until retired. Raises RuntimeApiLostError."""
        async with self._connection:
            while not self._retired:
                invocation, event = await self._next()
                self._idle = False
                self._set_trace_id(invocation.trace_id)
                with about(invocation):
                    await self._serve(invocation, event)
                self._idle = True

    def retire(self) -> bool:
        """Makes the poller end after its invocation.

        Returns False if it serves none, so that it can be cancelled.
        """
        self._retired = True
        return not self._idle or self._connection.is_receiving

    async def _next(self) -> tuple[Invocation, bytes]:
        for delay in RETRY_DELAYS:
            await asyncio.sleep(delay)
            try:
                answer = await self._connection.exchange(next_invocation())
                if (fault := _fault(answer)) is None:
                    return Invocation.from_headers(answer.headers, now=time.time()), answer.body
                logger.error(fault)
            except (OSError, ValueError) as error:
                logger.warning("no next event: %s", error)
        raise RuntimeApiLostError("the Runtime API gives no further event")

    async def _serve(self, invocation: Invocation, event: bytes) -> None:
        reporter = Reporter(invocation, self._on_failure)
        limit = ANSWER_LIMIT_SHUTDOWN
        try:
            context = LambdaContext.of(invocation, self._environment)
            await self._service.respond(invocation, context, event, self._connection, reporter)
            limit = _answer_limit(invocation)
        except Exception as error:  # noqa: BLE001 - a bug of the handler must end only this invocation
            reporter.failed(FailureStage.DELIVERY, error, "the handler failed")
            self._connection.abort()
        finally:
            await self._take_answer(limit, reporter)

    async def _take_answer(self, limit: float, reporter: Reporter) -> None:
        """Waits for the answer.

        If cancelled, the rest of the response has 0.2 s to leave.
        """
        if not self._connection.awaits_answer:
            return
        try:
            await self._judge_answer(limit, reporter)
        except asyncio.CancelledError:
            await self._judge_answer(ANSWER_LIMIT_SHUTDOWN, reporter)
            raise

    async def _judge_answer(self, limit: float, reporter: Reporter) -> None:
        try:
            async with asyncio.timeout(limit):
                answer = await self._connection.answer()
        except OSError as error:  # the time-out among them
            reporter.undelivered(f"no answer to the response: {error!r}", error)
            self._connection.abort()
        else:
            if fault := _fault(answer):
                reporter.undelivered(fault, level=logging.ERROR)
                self._connection.abort()  # the rest of a refused response may be unread

    def _set_trace_id(self, trace_id: str | None) -> None:
        """Sets the variable that AWS's tools read, unless
        several invocations share it.
        """
        if self._environment.concurrency > 1:
            return
        if trace_id is None:
            os.environ.pop(_TRACE_ID, None)
        else:
            os.environ[_TRACE_ID] = trace_id


def _fault(answer: Answer) -> str | None:
    """Returns what is wrong with an answer, or None.

    Raises RuntimeApiLostError if the API cannot recover.
    """
    if answer.status in ACCEPTED:
        return None
    fault = f"the Runtime API answered {answer.status}: {ANSWERS.get(answer.status, 'not documented')}"
    if answer.status == UNRECOVERABLE:
        raise RuntimeApiLostError(fault)
    return fault


def _answer_limit(invocation: Invocation) -> float:
    if invocation.deadline is None:
        return ANSWER_LIMIT_UNDATED
    return max(0.0, invocation.deadline - time.time()) + ANSWER_LIMIT
