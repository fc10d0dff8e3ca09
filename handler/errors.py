"""What can go wrong in the handler, and how a failure is told to the Runtime API.

    HandlerError
    +-- UnsupportedEventError     the event is no HTTP request
    +-- UnexpectedMessageError    the app sent an ASGI message out of order
    +-- ContentLengthError        the app's Content-Length is no number, or not that of its body
    +-- IncompleteResponseError   the app returned before its response was complete
    +-- PreludeTooLargeError      status, headers and cookies exceed what a streamed response may begin with
    +-- AppExitError              the app would have ended the process
    +-- DeadlineExceededError     the time limit of the function has come
    +-- ShuttingDownError         the environment is being shut down
    +-- LifespanError             the app's lifespan failed
    +-- InvalidEnvironmentError   an environment variable holds what it may not
    +-- RestoreError              the Runtime API refused to say when a snapshot is restored
    +-- RuntimeApiLostError       the Runtime API is gone: the process has nothing left to do

Whatever else an app raises is told by the name of its class.
"""

import json
import re
import traceback
from dataclasses import asdict, dataclass, replace
from typing import ClassVar, Self

MAX_FRAMES = 32
"""Innermost frames that a report keeps: a runaway recursion has a thousand."""

MAX_MESSAGE = 64 * 1024
"""Characters of an exception's text that a report keeps: Lambda takes 6 MB in all."""

MAX_XRAY_MESSAGE = 1024
"""Characters of the message that X-Ray is told."""

_ERROR_TYPE = re.compile(r"(Runtime|Function)\.[A-Z][a-zA-Z]+")


class HandlerError(Exception):
    """A failure that the handler itself found; `error_type` is its name towards Lambda."""

    error_type: ClassVar = "Runtime.Unknown"


class UnsupportedEventError(HandlerError):
    """The event is no HTTP request."""

    error_type = "Function.UnsupportedEvent"

    def __init__(self) -> None:
        super().__init__(
            "This function answers HTTP requests only: events of a Function URL, of an API Gateway REST or HTTP API, "
            "or of an Application Load Balancer."
        )


class UnexpectedMessageError(HandlerError):
    """The app sent an ASGI message that does not follow from those before."""

    error_type = "Function.UnexpectedMessage"


class ContentLengthError(HandlerError):
    """The app's Content-Length is no number, or not that of its body."""

    error_type = "Function.ContentLength"


class IncompleteResponseError(HandlerError):
    """The app returned before its response was complete."""

    error_type = "Function.IncompleteResponse"


class PreludeTooLargeError(HandlerError):
    """Status, headers and cookies exceed what a streamed response may begin with."""

    error_type = "Function.PreludeTooLarge"


class AppExitError(HandlerError):
    """The app called sys.exit."""

    error_type = "Function.AppExit"


class DeadlineExceededError(HandlerError):
    """The app was still at work when the function's time limit came."""

    error_type = "Function.DeadlineExceeded"


class ShuttingDownError(HandlerError):
    """The app was still at work when the environment was shut down."""

    error_type = "Runtime.ShuttingDown"


class LifespanError(HandlerError):
    """The app said that its startup or shutdown failed."""

    error_type = "Function.LifespanFailed"


class InvalidEnvironmentError(HandlerError):
    """An environment variable holds what it may not; the text names it."""

    error_type = "Runtime.InvalidEnvironment"


class RestoreError(HandlerError):
    """The Runtime API refused to say when a snapshot is restored."""

    error_type = "Runtime.RestoreRefused"


class RuntimeApiLostError(HandlerError):
    """The Runtime API answers no more, or said that its state cannot be recovered."""

    error_type = "Runtime.ApiLost"


def error_type(error: BaseException) -> str:
    """The name of an exception as Lambda-Runtime-Function-Error-Type.

    Lambda keeps only what matches `(Runtime|Function)\\.[A-Z][a-zA-Z]+` and replaces the rest by Unknown, so that
    digits and underscores of a class name are left out.
    """
    if isinstance(error, HandlerError):
        return error.error_type
    letters = re.sub(r"[^a-zA-Z]", "", type(error).__name__)
    name = f"Function.{letters[:1].upper()}{letters[1:]}"
    return name if _ERROR_TYPE.fullmatch(name) else "Function.Unknown"


def innermost(error: BaseException) -> BaseException:
    """The exception itself; a group that holds a single one is that one."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _text(error: BaseException) -> str:
    try:
        return str(error)[:MAX_MESSAGE]
    except Exception:  # noqa: BLE001 - the report of a failure may not fail
        return f"the text of this {type(error).__name__} cannot be had"


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a call was, in the names of X-Ray."""

    path: str
    line: int
    label: str


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """A failure in AWS's form (Runtime API, "Invocation error": errorMessage, errorType, stackTrace)."""

    type: str
    """The header Lambda-Runtime-Function-Error-Type."""
    name: str
    """The body's errorType; as in AWS's Python client the name of the class, for an app's own exceptions."""
    message: str
    stack_trace: tuple[str, ...] = ()
    frames: tuple[Frame, ...] = ()
    """The same stack as X-Ray has it."""

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """The report of an exception, whatever is wrong with that."""
        error = innermost(error)
        name = error.error_type if isinstance(error, HandlerError) else type(error).__name__
        frames = traceback.extract_tb(error.__traceback__, limit=-MAX_FRAMES)
        places = tuple(Frame(frame.filename, frame.lineno or 0, frame.name) for frame in frames)
        return cls(error_type(error), name, _text(error), tuple(traceback.format_list(frames)), places)

    def to_json(self, **more: str) -> bytes:
        """The body of the request that reports the failure, with whatever else belongs into it: ASCII."""
        body = {"errorMessage": self.message, "errorType": self.name, "stackTrace": self.stack_trace, **more}
        return json.dumps(body).encode("ascii")

    def to_xray(self) -> bytes:
        """The cause of a failed segment, with no more of a long message than fits into a header: ASCII.

        Source: AWS X-Ray Developer Guide, "X-Ray segment documents", "Errors and exceptions".
        """
        exception = {
            "message": self.message[:MAX_XRAY_MESSAGE],
            "type": self.name,
            "stack": [asdict(frame) for frame in self.frames],
        }
        paths = sorted({frame.path for frame in self.frames})
        return json.dumps({"exceptions": [exception], "paths": paths}).encode("ascii")

    def within(self, size: int) -> Self:
        """The same report in at most `size` bytes of JSON: without its outer frames, then with a shorter message."""
        report = self
        while len(report.to_json()) > size and report.stack_trace:
            report = replace(report, stack_trace=report.stack_trace[1:])
        excess = len(report.to_json()) - size
        if excess <= 0:
            return report
        return replace(report, message=report.message[: max(0, len(report.message) - excess)])
