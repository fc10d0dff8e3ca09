"""What every request passes: an id, one log line, the headers that every response carries, and HEAD. Pure ASGI.

The host may say what it knows in `scope["extensions"]["rivulet.invocation"]`: `request_id`, `trace_id` and
`deadline` (seconds since the epoch). Where it does not, the request gets an id here. The query string is never
logged: on the tutorial's routes it holds the prompt.
"""

import logging
import time
import uuid
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.logs import request_fields

log = logging.getLogger("rivulet.request")
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


MAX_PATH = 200  # characters of a path in the log
MAX_METHOD = 20


class RequestMiddleware:
    """Gives a request its id and its fields, and logs one line when it is over, also where it failed.

    It drops the body of a response to HEAD (RFC 9110, 9.3.2).
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        invocation = scope.get("extensions", {}).get("rivulet.invocation", {})
        request_id = invocation.get("request_id") or uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        token = request_fields.set({"request_id": request_id, "trace_id": invocation.get("trace_id")})
        began = time.monotonic()
        outcome: dict[str, Any] = {"status": None, "first_byte_ms": None}

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                outcome["status"] = message["status"]
                outcome["first_byte_ms"] = _ms_since(began)
                MutableHeaders(scope=message)["x-request-id"] = request_id
            elif scope["method"] == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        try:
            await self.app(scope, receive, send_on)
        except Exception:
            if outcome["status"] is not None:
                raise
            log.exception("a request failed for a reason that nobody foresaw")
            from app.problems import Problem  # noqa: PLC0415 - app.cold_start does without it, and without FastAPI
            from app.routes.problems import problem_response  # noqa: PLC0415 - as above

            await problem_response(Problem().details(request_id))(scope, receive, send_on)
        finally:
            fields = {
                "method": cut(scope["method"], MAX_METHOD),
                "path": cut(scope["path"], MAX_PATH),
                **outcome,
                "duration_ms": _ms_since(began),
            }
            log.info("request", extra=fields)
            request_fields.reset(token)


class HeadersMiddleware:
    """Adds the security headers, and `no-store` where a response does not say itself how it may be cached."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-cache" if "etag" in headers else "no-store")
            await send(message)

        await self.app(scope, receive, send_on)
        return None


class HeadMiddleware:
    """Routes HEAD as GET, so that each GET route answers it.

    `scope["state"]["is_head"]` is for routes whose GET costs more than its headers are worth.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_head = scope.get("method") == "HEAD"
        scope.setdefault("state", {})["is_head"] = is_head
        await self.app({**scope, "method": "GET"} if is_head else scope, receive, send)


def cut(text: str, length: int) -> str:
    """The text, or its beginning and an ellipsis, of `length` characters in all."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _ms_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
