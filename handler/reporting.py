"""A failure of an invocation, as it is told to the log and to whoever counts. No I/O of its own.

Whatever goes wrong is logged. The first of it in an invocation is counted too: a connection that is cut, say, is
noticed in more than one place.
"""

import enum
import logging
from collections.abc import Callable
from dataclasses import dataclass

from handler.errors import error_type
from handler.logs import log_of
from handler.protocol import Invocation


class FailureStage(enum.StrEnum):
    """How far an invocation had come."""

    EVENT = "event"
    """Its event is no request that can be answered."""
    BEFORE_FIRST_BYTE = "before_first_byte"
    AFTER_FIRST_BYTE = "after_first_byte"
    AFTER_RESPONSE = "after_response"
    """The client has all of it, but the app failed in what it did then."""
    DELIVERY = "delivery"
    """The Runtime API did not take the response, or broke off."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What is counted."""

    moment: FailureStage
    error_type: str
    """As Lambda has it: `Function.ValueError`."""
    request_id: str
    trace_id: str | None = None


OnFailure = Callable[[Failure], object]


def uncounted(failure: Failure) -> None:
    """Nobody counts failures; they are logged all the same."""


class Reporter:
    """Tells of the failures of one invocation."""

    def __init__(self, invocation: Invocation, on_failure: OnFailure) -> None:
        self._invocation = invocation
        self._on_failure: OnFailure | None = on_failure
        self.log = log_of(invocation)
        self.error: BaseException | None = None
        """What the app, or the event, failed by."""

    def failed(self, moment: FailureStage, error: BaseException, text: str) -> None:
        """Logs it with its stack, and counts it."""
        self.error = error
        self.log.error(text, exc_info=error)
        self._count(moment, error_type(error))

    def undelivered(self, text: str, error: BaseException | None = None, *, level: int = logging.WARNING) -> None:
        """The same for what is the doing of the Runtime API, where a stack would say nothing."""
        self.log.log(level, text)
        self._count(FailureStage.DELIVERY, error_type(error) if error else "Runtime.Refused")

    def _count(self, moment: FailureStage, name: str) -> None:
        count, self._on_failure = self._on_failure, None
        if count is None:
            return
        try:
            count(Failure(moment, name, self._invocation.request_id, self._invocation.trace_id))
        except Exception:
            self.log.exception("the failure could not be counted")
