"""A problem as a response (RFC 9457)."""

from collections.abc import Mapping

from starlette.responses import Response

from app.contract import ProblemDetails

MEDIA_TYPE = "application/problem+json"


def problem_response(details: ProblemDetails, headers: Mapping[str, str] | None = None) -> Response:
    """Returns the problem as a response, with Retry-After if it is known."""
    wait = {} if details.retry_after is None else {"retry-after": str(details.retry_after)}
    content = details.model_dump_json(exclude_none=True)
    return Response(content, details.status, {**(headers or {}), **wait}, MEDIA_TYPE)
