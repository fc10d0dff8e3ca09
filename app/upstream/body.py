"""The form of a successful response's body: an event stream,
one JSON document, or neither. Pure.
"""

import re
from typing import Any

from app import sse
from app.problems import UpstreamCut, UpstreamFailed, UpstreamMisconfigured
from app.upstream import errors

Bytes = bytes | bytearray
UNFINISHED = ("queued", "in_progress")
END_OF_STATUS = {"failed": "response.failed", "incomplete": "response.incomplete"}


def event_of(body: object) -> dict[str, Any]:
    """Returns the document as the last event of a stream.

    Raises the Problem of an error in it, UpstreamMisconfigured for another server's
    document, UpstreamCut for an unfinished response, UpstreamFailed if it is not JSON.
    """
    if body is None:
        raise UpstreamFailed
    document: Any = body[0] if isinstance(body, list) and body else body
    if not isinstance(document, dict):
        raise UpstreamMisconfigured(errors.WRONG_URL)
    response = document["response"] if isinstance(document.get("response"), dict) else document
    if response.get("status") in UNFINISHED and not response.get("output"):
        raise UpstreamCut
    if isinstance(response.get("output"), list) or response.get("object") == "response":
        return {"type": END_OF_STATUS.get(str(response.get("status")), "response.completed"), "response": response}
    if any(document.get(name) for name in ("error", "errors", "detail", "code")):
        raise errors.from_stream_error(document)
    raise UpstreamMisconfigured(errors.WRONG_URL)


def is_telling(start: Bytes) -> bool:
    """Whether the start of a body is long enough to show its form."""
    return bool(start.removeprefix(sse.BOM).strip())


def is_json(start: bytes) -> bool:
    """Whether the body is a JSON document, whatever its type: no
    line of an event stream starts so.
    """
    return start.removeprefix(sse.BOM).lstrip()[:1] in (b"{", b"[")


def is_stream(start: bytes, content_type: str) -> bool:
    """Whether the body is an event stream, by its type or its first line."""
    media_type = content_type.partition(";")[0].strip().lower()
    is_field = re.match(rb"(data|event|id|retry)?:", start.removeprefix(sse.BOM).lstrip())
    return media_type in ("", "text/event-stream") or is_field is not None


def is_too_long(body: Bytes) -> bool:
    return len(body) > sse.MAX_PENDING
