"""The handler's logger, and the log features of AWS's Python client.

A filter on the handlers of the root logger adds the invocation's ids to each line. The
app decides how lines are written. If the app configures no logging, lines go to stdout
with the format and level of the function's logging configuration.

Source: AWS Lambda Developer Guide, "Log and monitor Python Lambda functions",
"Configuring advanced logging controls".
"""

import logging
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from handler.protocol import Invocation

# Lambda's log levels, as levels of Python
LEVELS = {"TRACE": "DEBUG", "DEBUG": "DEBUG", "INFO": "INFO", "WARN": "WARNING", "ERROR": "ERROR", "FATAL": "ERROR"}

FORMATS = {"TEXT": "text", "JSON": "json"}

_invocation: ContextVar[Invocation] = ContextVar("invocation")


class HandlerLog(logging.LoggerAdapter[logging.Logger]):
    """Logs lines of the handler.

    Logging never raises, even if a filter or a handler of the app does.
    """

    def log(self, level: int, msg: object, *args: object, **more: Any) -> None:  # noqa: ANN401 - logging passes them on
        try:
            super().log(level, msg, *args, **more)
        except Exception:  # noqa: BLE001 - a lost line must not cost a response or the process
            traceback.print_exc()


logger = HandlerLog(logging.getLogger("rivulet.handler"), {})


def log_of(invocation: Invocation) -> HandlerLog:
    """Returns a logger for an invocation, usable outside of its context as well."""
    return HandlerLog(logger.logger, _fields(invocation))


@contextmanager
def about(invocation: Invocation) -> Iterator[None]:
    """Adds the invocation to all lines logged in this block and in its tasks."""
    token = _invocation.set(invocation)
    try:
        yield
    finally:
        _invocation.reset(token)


class InvocationFilter(logging.Filter):
    """Adds `request_id`, `trace_id` and `tenant_id` to a record, unless it has them."""

    def filter(self, record: logging.LogRecord) -> bool:
        invocation = _invocation.get(None)
        for name, value in _fields(invocation).items() if invocation else ():
            record.__dict__.setdefault(name, value)
        return True


def configure(variables: Mapping[str, str]) -> None:
    """Adds a handler to the root logger if it has none, and the filter to all."""
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(_handler(_setting(variables, "AWS_LAMBDA_LOG_FORMAT", FORMATS)))
        root.setLevel(_setting(variables, "AWS_LAMBDA_LOG_LEVEL", LEVELS) or root.level)
    for handler in root.handlers:
        if not any(isinstance(known, InvocationFilter) for known in handler.filters):
            handler.addFilter(InvocationFilter())


def log_settings(variables: Mapping[str, str]) -> dict[str, str]:
    """Returns LOG_LEVEL and LOG_FORMAT from the function's logging configuration.

    A variable that is set already is left out.
    """
    found = {
        "LOG_LEVEL": _setting(variables, "AWS_LAMBDA_LOG_LEVEL", LEVELS),
        "LOG_FORMAT": _setting(variables, "AWS_LAMBDA_LOG_FORMAT", FORMATS),
    }
    return {name: value for name, value in found.items() if value and not variables.get(name)}


def _setting(variables: Mapping[str, str], name: str, meanings: Mapping[str, str]) -> str | None:
    return meanings.get(variables.get(name, "").upper())


def _fields(invocation: Invocation) -> dict[str, Any]:
    fields = {"request_id": invocation.request_id, "trace_id": invocation.trace_id}
    return fields if invocation.tenant_id is None else {**fields, "tenant_id": invocation.tenant_id}


def _handler(form: str | None) -> logging.Handler:
    handler = logging.StreamHandler(sys.stdout)
    if form == "json":
        from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter  # noqa: PLC0415 - optional: the app provides it

        handler.setFormatter(LambdaPowertoolsFormatter())
    else:
        layout = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(request_id)s\t%(message)s"
        handler.setFormatter(_Text(layout, "%Y-%m-%dT%H:%M:%S", defaults={"request_id": ""}))
    return handler


class _Text(logging.Formatter):
    """Keeps a stack trace in one CloudWatch event, which ends at \\n but not at \\r."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\n", "\r")
