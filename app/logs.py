"""Logs: JSON for CloudWatch by Powertools, or text. Prompts
and answers are never logged.

Modules use `logging.getLogger("rivulet....")`. The entries of `request_fields` are on
each line that is logged in the context of the current request.
"""

import logging
import sys
from contextvars import ContextVar
from typing import Any

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from app.settings import Settings

SERVICE = "rivulet"
request_fields: ContextVar[dict[str, Any]] = ContextVar("request_fields")


class RequestFieldsFilter(logging.Filter):
    """Adds the fields of the current request to a record."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in request_fields.get({}).items():
            record.__dict__.setdefault(name, value)
        record.__dict__.pop("taskName", None)  # Python 3.12 adds the asyncio task's name, like "Task-7"
        return True


class TextFormatter(logging.Formatter):
    """One readable line: time, level, message, then the
    record's extra fields as name=value.

    Unprintable characters are escaped, because a path may have line breaks and commands
    to a terminal. The lines of a traceback are indented, so none looks like a record.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")
        self._own = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        extra = (f" {key}={value}" for key, value in vars(record).items() if key not in self._own and value is not None)
        return printable(super().formatMessage(record) + "".join(extra))

    def formatException(self, ei: Any) -> str:  # noqa: ANN401, N802 - logging's types and name
        return _indented(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - logging's name
        return _indented(super().formatStack(stack_info))


def printable(text: str) -> str:
    """Returns the text with control, format and surrogate
    characters as Python's escapes.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _indented(text: str) -> str:
    return "\n".join(f"  {printable(line)}" for line in text.split("\n"))


class OurHandler(logging.StreamHandler[Any]):
    """The handler of `configure_logging`, which finds it by
    its class when it is called again.
    """

    def __init__(self) -> None:
        super().__init__()
        self.addFilter(RequestFieldsFilter())


def configure_logging(settings: Settings) -> None:
    """Configures the root logger. LOG_LEVEL is for our own loggers.

    Libraries log from WARNING on: below it they log prompts and secrets. Another call
    applies other settings: the handler stays, with the filters that the host has added.
    """
    root = logging.getLogger()
    handler = next((old for old in root.handlers if isinstance(old, OurHandler)), None)
    if handler is None:
        handler = OurHandler()
        root.addHandler(handler)
    handler.stream = sys.stdout  # setStream would flush the old one, which may be closed
    json = settings.log_format == "json"
    handler.setFormatter(LambdaPowertoolsFormatter(service=SERVICE) if json else TextFormatter())
    root.setLevel(logging.WARNING)
    logging.getLogger("rivulet").setLevel(settings.log_level)
