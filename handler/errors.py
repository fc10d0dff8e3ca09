"""The handler's errors, and the report of a failure in the form of the Runtime API.

    HandlerError
    +-- UnsupportedEventError     the event is not an HTTP request
    +-- UnexpectedMessageError    the app sent an ASGI message out of order
    +-- ContentLengthError        the app's Content-Length does not match its body
    +-- IncompleteResponseError   the app returned before its response was complete
    +-- PreludeTooLargeError      status, headers and cookies are too large to stream
    +-- AppExitError              the app called sys.exit
    +-- DeadlineExceededError     the function timed out
    +-- ShuttingDownError         the environment is being shut down
    +-- LifespanError             the app's lifespan failed
    +-- InvalidEnvironmentError   an environment variable has an invalid value
    +-- RestoreError              the Runtime API refused restore/next
    +-- RuntimeApiLostError       the Runtime API is gone

Any other exception of an app is reported by the name of its class.
"""

import json
import re
import traceback
from dataclasses import asdict, dataclass, replace
from typing import ClassVar, Self

MAX_FRAMES = 32  # innermost frames of a report; an endless recursion has a thousand
MAX_MESSAGE = 64 * 1024  # characters of an exception's text; Lambda takes 6 MB in all
MAX_XRAY_MESSAGE = 1024  # characters of the message for X-Ray

_ERROR_TYPE = re.compile(r"(Runtime|Function)\.[A-Z][a-zA-Z]+")


class HandlerError(Exception):
    """A failure found by the handler; `error_type` is its name for Lambda."""

    error_type: ClassVar = "Runtime.Unknown"


class UnsupportedEventError(HandlerError):
    """The event is not an HTTP request."""

    error_type = "Function.UnsupportedEvent"

    def __init__(self) -> None:
        super().__init__(
            "This function answers HTTP requests only: events of a Function URL, of an API Gateway REST or HTTP API, "
            "or of an Application Load Balancer."
        )


class UnexpectedMessageError(HandlerError):
    """The app sent an ASGI message out of order."""

    error_type = "Function.UnexpectedMessage"


class ContentLengthError(HandlerError):
    """The app's Content-Length is not a number or does not match its body."""

    error_type = "Function.ContentLength"


class IncompleteResponseError(HandlerError):
    """The app returned before its response was complete."""

    error_type = "Function.IncompleteResponse"


class PreludeTooLargeError(HandlerError):
    """Status, headers and cookies exceed the limit of a streamed response."""

    error_type = "Function.PreludeTooLarge"


class AppExitError(HandlerError):
    """The app called sys.exit."""

    error_type = "Function.AppExit"


class DeadlineExceededError(HandlerError):
    """The app was still running when the function timed out."""

    error_type = "Function.DeadlineExceeded"


class ShuttingDownError(HandlerError):
    """The app was still running when the environment was shut down."""

    error_type = "Runtime.ShuttingDown"


class LifespanError(HandlerError):
    """The app reported that its startup or shutdown failed."""

    error_type = "Function.LifespanFailed"


class InvalidEnvironmentError(HandlerError):
    """An environment variable has an invalid value; the text names it."""

    error_type = "Runtime.InvalidEnvironment"


class RestoreError(HandlerError):
    """The Runtime API refused restore/next."""

    error_type = "Runtime.RestoreRefused"


class RuntimeApiLostError(HandlerError):
    """The Runtime API does not answer, or its state cannot be recovered."""

    error_type = "Runtime.ApiLost"


def error_type(error: BaseException) -> str:
    """Returns the name of an exception for Lambda-Runtime-Function-Error-Type.

    Lambda accepts only `(Runtime|Function)\\.[A-Z][a-zA-Z]+` and replaces other names
    by Unknown, so digits and underscores of a class name are removed.
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
        return f"the text of this {type(error).__name__} is not available"


@dataclass(frozen=True, slots=True)
class Frame:
    """One call of a stack, with X-Ray's field names."""

    path: str
    line: int
    label: str


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """A failure in AWS's form (Runtime API, "Invocation error").

    `type` is the header Lambda-Runtime-Function-Error-Type. `name` is errorType in the
    body: as in AWS's Python client the class name of an app's exception. `frames` is
    the same stack as `stack_trace`, for X-Ray.
    """

    type: str
    name: str
    message: str
    stack_trace: tuple[str, ...] = ()
    frames: tuple[Frame, ...] = ()

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """The report of an exception, whatever is wrong with that."""
        error = innermost(error)
        name = error.error_type if isinstance(error, HandlerError) else type(error).__name__
        frames = traceback.extract_tb(error.__traceback__, limit=-MAX_FRAMES)
        places = tuple(Frame(frame.filename, frame.lineno or 0, frame.name) for frame in frames)
        return cls(error_type(error), name, _text(error), tuple(traceback.format_list(frames)), places)

    def to_json(self, **more: str) -> bytes:
        """Returns the body of the request that reports the failure, in ASCII."""
        body = {"errorMessage": self.message, "errorType": self.name, "stackTrace": self.stack_trace, **more}
        return json.dumps(body).encode("ascii")

    def to_xray(self) -> bytes:
        """Returns the cause of a failed segment, short enough for a header, in ASCII.

        Source: AWS X-Ray Developer Guide, "X-Ray segment documents", "Errors and
        exceptions".
        """
        exception = {
            "message": self.message[:MAX_XRAY_MESSAGE],
            "type": self.name,
            "stack": [asdict(frame) for frame in self.frames],
        }
        paths = sorted({frame.path for frame in self.frames})
        return json.dumps({"exceptions": [exception], "paths": paths}).encode("ascii")

    def within(self, size: int) -> Self:
        """Returns the same report in at most `size` bytes of JSON.

        It drops outer frames first, then the end of the message.
        """
        report = self
        while len(report.to_json()) > size and report.stack_trace:
            report = replace(report, stack_trace=report.stack_trace[1:])
        excess = len(report.to_json()) - size
        if excess <= 0:
            return report
        return replace(report, message=report.message[: max(0, len(report.message) - excess)])
