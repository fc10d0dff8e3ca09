"""The maximum size of a request's body."""

import math

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.problems import BodyTooLarge

MAX_DIGITS = 18  # of Content-Length; Python does not convert very long numbers


class BodyLimitMiddleware:
    """Refuses a body over `max_bytes`, by Content-Length or by its real size.

    FastAPI's own `max_body_size` answers a large Content-Length in plain text, without
    our problem handlers.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        announced = Headers(scope=scope).get("content-length", "")
        received = 0

        async def limited_receive() -> Message:
            nonlocal received
            if _length(announced) > self._max_bytes:
                raise HTTPException(BodyTooLarge.status)
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise HTTPException(BodyTooLarge.status)
            return message

        return await self.app(scope, limited_receive, send)


def _length(announced: str) -> float:
    """Returns the number in Content-Length; 0 if there is
    none, infinity if it is too long.
    """
    if not announced.isdecimal():
        return 0
    return int(announced) if len(announced) <= MAX_DIGITS else math.inf
