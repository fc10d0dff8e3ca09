"""The cause of a failure as fields for the log, in a safe form and without content.

Pure.
"""

import re
from collections.abc import Iterator, Mapping

from app.problems import Problem

MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}")
REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
ADDRESS = re.compile(r"https?://[A-Za-z0-9.:\[\]-]{1,255}(?=[/?#]|$)")


def about(status: int, headers: Mapping[str, str]) -> dict[str, object]:
    """Returns what may be logged of an HTTP response; of a
    redirect also its target's host.
    """
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    target = ADDRESS.match(headers.get("location", ""))
    request_id = headers.get("x-request-id", "")
    return {
        "upstream_status": status,
        "upstream_content_type": media_type if MEDIA_TYPE.fullmatch(media_type) else None,
        "upstream_request_id": request_id if REQUEST_ID.fullmatch(request_id) else None,
        "upstream_location": target.group() if target else None,
    }


def cause_of(problem: Problem) -> dict[str, object]:
    """Returns the fields to log of a failure: its cause and the classes of its
    chain.
    """
    fields = {name: value for name, value in problem.cause.items() if value is not None}
    names = list(dict.fromkeys(type(error).__name__ for error in _chain(problem)))
    return {**fields, "error": " < ".join(names)} if names else fields


def _chain(problem: BaseException) -> Iterator[BaseException]:
    """Yields the chain of exceptions: libraries hide the system's own error."""
    error = problem.__cause__ or problem.__context__
    while error is not None:
        error = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error
        yield error
        error = error.__cause__ or error.__context__
