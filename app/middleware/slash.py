"""The address of the page ends with a slash, so that its relative links are right.

Behind a path prefix (`root_path`) the address is the prefix and a slash. The same
address without the slash is redirected, never with a scheme or a host: those would come
from headers of the client.
"""

import posixpath
from urllib.parse import quote

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class SlashMiddleware:
    """Redirects to the page from the prefix alone, and from
    dot segments that lead there.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self.app
        if scope["type"] == "http" and _lacks_slash(scope["path"].removeprefix(scope.get("root_path", ""))):
            app = RedirectResponse(_page(scope))
        await app(scope, receive, send)


def _lacks_slash(path: str) -> bool:
    return not path.endswith("/") and posixpath.normpath(f"/{path.lstrip('/')}") == "/"


def _page(scope: Scope) -> str:
    prefix = quote(scope.get("root_path", "").strip("/"))
    query = scope["query_string"].decode("latin-1")
    return (f"/{prefix}/" if prefix else "/") + (f"?{query}" if query else "")
