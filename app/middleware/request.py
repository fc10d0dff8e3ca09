"""The outermost middleware: an id and one log line for each request.

The query string is never logged: on some routes it has the prompt.
"""

import logging
import time
import uuid
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.host import host_context
from app.logs import request_fields

log = logging.getLogger("rivulet.request")
MAX_PATH = 200  # characters of a path in the log
MAX_METHOD = 20  # characters of a method in the log


class RequestMiddleware:
    """Gives a request its id and its log fields, and logs one line at its end.

    The id is the host's, or a new one. The body of a response to HEAD is dropped
    (RFC 9110, 9.3.2).
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        host = host_context(scope)
        request_id = host.request_id or uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        token = request_fields.set({"request_id": request_id, "trace_id": host.trace_id})
        began = time.monotonic()
        outcome: dict[str, Any] = {"status": None, "first_byte_ms": None}

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                outcome.update(status=message["status"], first_byte_ms=_ms_since(began))
                MutableHeaders(scope=message)["x-request-id"] = request_id
            elif scope["method"] == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        try:
            await self.app(scope, receive, send_on)
        finally:
            named = {"method": cut(scope["method"], MAX_METHOD), "path": cut(scope["path"], MAX_PATH)}
            log.info("request", extra={**named, **outcome, "duration_ms": _ms_since(began)})
            request_fields.reset(token)


def cut(text: str, length: int) -> str:
    """Returns the text, or its beginning and an ellipsis, of `length` characters."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _ms_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
