"""The page's files over HTTP (RFC 9110), before the application is built and in it.

`Files` is an ASGI application that serves each file of a directory under its name, and
`index.html` also as `/`. It raises Starlette's HTTPException: 404 for any other path,
405 for methods other than GET and HEAD. A response to HEAD has a body, which
`RequestMiddleware` drops.

A file is read for each request, so its validator always matches the bytes that are
sent: a strong ETag of the content only. Dates are left out, because all files of a
deployment have the same one. Ranges are ignored (section 14.2).
"""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
"""The media types that are served, the same on every operating system."""

WEB = Path(__file__).parent / "web"  # the directory of the page
DOCUMENT = "index.html"
METHODS = ("GET", "HEAD")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # no dot files and no backups of editors
_ENTITY_TAG = re.compile(r'(?:W/)?("[^"]*")')


class File(NamedTuple):
    """A served file and its media type."""

    path: Path
    media_type: str

    @property
    def is_document(self) -> bool:
        return self.path.name == DOCUMENT


class Files:
    """Serves the present files of `directory`, without directories and links in it."""

    def __init__(self, directory: Path) -> None:
        self._files = {f"/{file.path.name}": file for path in directory.iterdir() if (file := _served(path))}
        if document := self._files.get(f"/{DOCUMENT}"):
            self._files["/"] = document

    def find(self, scope: Scope) -> File | None:
        """Returns the file of the request's path, for any
        method; None if there is none.
        """
        return self._files.get(_path_below_root(scope))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = WebSocketClose() if scope["type"] == "websocket" else self._response(scope)
        await app(scope, receive, send)

    def _response(self, scope: Scope) -> Response:
        file = self.find(scope)
        if file is None:
            raise HTTPException(404)
        if scope["method"] not in METHODS:
            raise HTTPException(405, headers={"allow": ", ".join(METHODS)})
        try:
            content = file.path.read_bytes()
        except FileNotFoundError:
            raise HTTPException(404) from None
        return _answer(content, file.media_type, scope)


def etag_of(content: bytes) -> str:
    """Returns the strong validator of these bytes."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def is_current(etag: str, headers: Headers) -> bool:
    """Whether `If-None-Match` has the validator, by weak comparison (RFC 9110,
    13.1.2).
    """
    condition = ",".join(headers.getlist("if-none-match"))
    return condition.strip() == "*" or etag in _ENTITY_TAG.findall(condition)


def _answer(content: bytes, media_type: str, scope: Scope) -> Response:
    headers = {"etag": etag_of(content)}
    if is_current(headers["etag"], Headers(scope=scope)):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


def _served(path: Path) -> File | None:
    media_type = MEDIA_TYPES.get(path.suffix)
    if media_type and _NAME.fullmatch(path.name) and path.is_file() and not path.is_symlink():
        return File(path, media_type)
    return None


def _path_below_root(scope: Scope) -> str:
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path[len(root) :] if f"{path}/".startswith(f"{root}/") else path
