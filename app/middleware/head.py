"""HEAD (RFC 9110, 9.3.2)."""

from starlette.types import ASGIApp, Receive, Scope, Send


class HeadMiddleware:
    """Routes HEAD as GET, so that each GET route answers it.

    `scope["state"]["is_head"]` is for routes whose GET would ask, follow or read much.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_head = scope.get("method") == "HEAD"
        scope.setdefault("state", {})["is_head"] = is_head
        await self.app({**scope, "method": "GET"} if is_head else scope, receive, send)
