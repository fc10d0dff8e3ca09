"""HEAD on routes whose GET would ask upstream, follow a turn or read much: headers only."""

from fastapi import Request
from starlette.responses import Response


def is_head(request: Request) -> bool:
    """The dependency that tells a GET route that it answers HEAD."""
    return getattr(request.state, "is_head", False)


def head_of(media_type: str) -> Response:
    """A response without a body, and without the length of one."""
    response = Response(media_type=media_type)
    del response.headers["content-length"]
    return response
