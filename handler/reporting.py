"""Reports the failures of an invocation to the log and to a counter.

Each failure is logged. Only the first failure of an invocation is counted, because a
cut connection, for example, is noticed in several places.
"""

import enum
import logging
from collections.abc import Callable
from dataclasses import dataclass

from handler.errors import error_type
from handler.logs import log_of
from handler.protocol import Invocation


class FailureStage(enum.StrEnum):
    """How far an invocation was when it failed."""

    EVENT = "event"  # the event cannot be served
    BEFORE_FIRST_BYTE = "before_first_byte"
    AFTER_FIRST_BYTE = "after_first_byte"
    AFTER_RESPONSE = "after_response"  # in the app's background work
    DELIVERY = "delivery"  # the Runtime API refused the response or disconnected


@dataclass(frozen=True, slots=True)
class Failure:
    """One counted failure; `error_type` is Lambda's name, e.g.

    `Function.ValueError`.
    """

    stage: FailureStage
    error_type: str
    request_id: str
    trace_id: str | None = None


OnFailure = Callable[[Failure], object]


def uncounted(failure: Failure) -> None:
    """Counts nothing; failures are still logged."""


class Reporter:
    """Reports the failures of one invocation."""

    def __init__(self, invocation: Invocation, on_failure: OnFailure) -> None:
        self._invocation = invocation
        self._on_failure: OnFailure | None = on_failure
        self.log = log_of(invocation)
        self.error: BaseException | None = None  # of the app or the event

    def failed(self, stage: FailureStage, error: BaseException, text: str) -> None:
        """Logs a failure with its stack, and counts it."""
        self.error = error
        self.log.error(text, exc_info=error)
        self._count(stage, error_type(error))

    def undelivered(self, text: str, error: BaseException | None = None, *, level: int = logging.WARNING) -> None:
        """Logs a failure of the Runtime API without a stack, and counts it."""
        self.log.log(level, text)
        self._count(FailureStage.DELIVERY, error_type(error) if error else "Runtime.Refused")

    def _count(self, stage: FailureStage, name: str) -> None:
        count, self._on_failure = self._on_failure, None
        if count is None:
            return
        try:
            count(Failure(stage, name, self._invocation.request_id, self._invocation.trace_id))
        except Exception:
            self.log.exception("failed to count the failure")
