"""The handler's logger, and what AWS's Python client does for the logs of whatever runs in it.

Every line says which invocation it is about, whoever logs it: by a filter on the handlers of the root logger. How and
where lines are written is the app's affair. Where it has set up nothing, they go to stdout in the format and from the
level that the function's logging configuration says.

Source: AWS Lambda Developer Guide, "Log and monitor Python Lambda functions", "Configuring advanced logging controls".
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

LEVELS = {"TRACE": "DEBUG", "DEBUG": "DEBUG", "INFO": "INFO", "WARN": "WARNING", "ERROR": "ERROR", "FATAL": "ERROR"}
"""Lambda's log levels, and what a Python program calls them."""

FORMATS = {"TEXT": "text", "JSON": "json"}

_invocation: ContextVar[Invocation] = ContextVar("invocation")


class HandlerLog(logging.LoggerAdapter[logging.Logger]):
    """The handler's own lines. To write one raises nothing, whatever is wrong with the app's filters and handlers."""

    def log(self, level: int, msg: object, *args: object, **more: Any) -> None:  # noqa: ANN401 - logging's own
        try:
            super().log(level, msg, *args, **more)
        except Exception:  # noqa: BLE001 - a line that is lost is not to cost a response, or the process
            traceback.print_exc()


logger = HandlerLog(logging.getLogger("rivulet.handler"), {})


def log_of(invocation: Invocation) -> HandlerLog:
    """Lines about an invocation, also from outside of it."""
    return HandlerLog(logger.logger, _fields(invocation))


@contextmanager
def about(invocation: Invocation) -> Iterator[None]:
    """What is logged in this block, and in the tasks that begin in it, is about this invocation."""
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
    """Sees to it that the handlers of the root logger name the invocation, and that there is one."""
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(_handler(_setting(variables, "AWS_LAMBDA_LOG_FORMAT", FORMATS)))
        root.setLevel(_setting(variables, "AWS_LAMBDA_LOG_LEVEL", LEVELS) or root.level)
    for handler in root.handlers:
        if not any(isinstance(known, InvocationFilter) for known in handler.filters):
            handler.addFilter(InvocationFilter())


def log_settings(variables: Mapping[str, str]) -> dict[str, str]:
    """The function's logging configuration as LOG_LEVEL and LOG_FORMAT, where those are not set themselves."""
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
        from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter  # noqa: PLC0415 - an app brings it

        handler.setFormatter(LambdaPowertoolsFormatter())
    else:
        layout = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(request_id)s\t%(message)s"
        handler.setFormatter(_Text(layout, "%Y-%m-%dT%H:%M:%S", defaults={"request_id": ""}))
    return handler


class _Text(logging.Formatter):
    """A stack stays in one event of CloudWatch with its message: that begins a new one at \\n, but not at \\r."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\n", "\r")
