"""Logs: JSON for CloudWatch by Powertools, or lines for people. Prompts and answers never occur.

Modules log through `logging.getLogger("rivulet....")`. `request_fields` holds what belongs to the request in hand;
its entries are on every line that is logged meanwhile, whoever logs it.
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
    """Adds the fields of the request in hand to a record."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in request_fields.get({}).items():
            record.__dict__.setdefault(name, value)
        record.__dict__.pop("taskName", None)  # Python 3.12's own name for the asyncio task tells nobody anything
        return True


class TextFormatter(logging.Formatter):
    """One readable line: time, level, message, then the record's extra fields as name=value.

    What is not printable is escaped, since a path may hold line breaks and commands to a
    terminal. A traceback has lines of its own, which are indented: none looks like a record.
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
    """The text with control, format and surrogate characters as Python's escapes."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _indented(text: str) -> str:
    return "\n".join(f"  {printable(line)}" for line in text.split("\n"))


class OurHandler(logging.StreamHandler[Any]):
    """The one handler that `configure_logging` puts on the root logger; known by its class when done again."""

    def __init__(self) -> None:
        super().__init__()
        self.addFilter(RequestFieldsFilter())


def configure_logging(settings: Settings) -> None:
    """LOG_LEVEL is for our own loggers. Libraries are heard from WARNING on: below it they log prompts and secrets.

    May be done again, with other settings: the handler stays, with the filters that the host has put on it.
    """
    root = logging.getLogger()
    handler = next((old for old in root.handlers if isinstance(old, OurHandler)), None)
    if handler is None:
        handler = OurHandler()
        root.addHandler(handler)
    handler.stream = sys.stdout  # not by setStream, which flushes the old one: that may be closed
    json = settings.log_format == "json"
    handler.setFormatter(LambdaPowertoolsFormatter(service=SERVICE) if json else TextFormatter())
    root.setLevel(logging.WARNING)
    logging.getLogger("rivulet").setLevel(settings.log_level)
