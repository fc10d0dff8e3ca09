"""Unhandled exceptions."""

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("rivulet.request")


class ErrorMiddleware:
    """Logs an unhandled exception and answers with a problem.

    After the start of a response it raises the exception, for the host to report.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        has_started = False

        async def send_on(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await self.app(scope, receive, send_on)
        except Exception:
            if has_started:
                raise
            log.exception("unhandled exception")
            from app.middleware.problem_response import problem_response  # noqa: PLC0415 - pydantic comes with it
            from app.problems import Problem  # noqa: PLC0415 - as above

            details = Problem().details(scope["state"]["request_id"])
            await problem_response(details)(scope, receive, send)
