"""The handler's logger. How and where it is written is the app's affair; what is said of an invocation names it."""

import logging
from typing import Any

from handler.protocol import Invocation

Log = logging.Logger | logging.LoggerAdapter[logging.Logger]

logger = logging.getLogger("rivulet.handler")


def log_of(invocation: Invocation) -> logging.LoggerAdapter[logging.Logger]:
    """Adds `request_id` and `trace_id` to each record."""
    fields: dict[str, Any] = {"request_id": invocation.request_id, "trace_id": invocation.trace_id}
    return logging.LoggerAdapter(logger, fields)
