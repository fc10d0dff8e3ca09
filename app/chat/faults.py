"""What a failure of the Responses API means for the caller: one table of codes, one of statuses. Pure.

In come the status, the error object and the headers of an HTTP answer, or the error object of a stream event
(OpenAI API reference, "Error codes" and "Streaming events: error"). Out goes a Problem. The error's own message
is never used.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from app.problems import (
    Problem,
    PromptRejected,
    QuotaExhausted,
    RateLimited,
    UpstreamFailed,
    UpstreamMisconfigured,
    UpstreamTooSlow,
    UpstreamUnauthorized,
)

BY_CODE: Mapping[str, type[Problem]] = {
    "insufficient_quota": QuotaExhausted,
    "billing_hard_limit_reached": QuotaExhausted,
    "rate_limit_exceeded": RateLimited,
    "invalid_api_key": UpstreamUnauthorized,
    "model_not_found": UpstreamMisconfigured,
    "context_length_exceeded": PromptRejected,
    "string_above_max_length": PromptRejected,
    "invalid_prompt": PromptRejected,
    "content_policy_violation": PromptRejected,
    "server_error": UpstreamFailed,
}
BY_STATUS: Mapping[int, type[Problem]] = {
    400: PromptRejected,
    401: UpstreamUnauthorized,
    403: UpstreamUnauthorized,
    404: UpstreamMisconfigured,
    408: UpstreamTooSlow,
    409: UpstreamFailed,
    413: PromptRejected,
    422: PromptRejected,
    429: RateLimited,
    504: UpstreamTooSlow,
}
OURS = frozenset({"model", "max_output_tokens", "store", "stream"})  # parameters that no caller can get wrong


def from_status(status: int, error: object, headers: Mapping[str, str]) -> Problem:
    """The Problem of an HTTP answer. `error` is the object under "error" in its body, or whatever stood there."""
    kind = BY_CODE.get(_text(error, "code")) or BY_CODE.get(_text(error, "type"))
    if kind is None:
        kind = BY_STATUS.get(
            status, UpstreamFailed if status >= HTTPStatus.INTERNAL_SERVER_ERROR else UpstreamMisconfigured
        )
        if kind is PromptRejected and _text(error, "param") in OURS:
            kind = UpstreamMisconfigured
    return kind(retry_after=retry_after(headers) if kind.retryable else None)


def from_stream_error(error: object) -> Problem:
    """The Problem of an `error` event or of the error of a `response.failed`."""
    return (BY_CODE.get(_text(error, "code")) or BY_CODE.get(_text(error, "type")) or UpstreamFailed)()


def retry_after(headers: Mapping[str, str]) -> int | None:
    """Seconds to wait, rounded up, from `retry-after-ms` or `Retry-After` (RFC 9110, section 10.2.3)."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        seconds = _seconds(headers.get(name, ""))
        if seconds is not None:
            return max(0, math.ceil(seconds * unit))
    return None


def _seconds(value: str) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return _seconds_until(value)
    return seconds if math.isfinite(seconds) else None


def _seconds_until(value: str) -> float | None:
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


def _text(error: object, key: str) -> str:
    value: Any = error.get(key) if isinstance(error, Mapping) else None
    return value if isinstance(value, str) else ""
