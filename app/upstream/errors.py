"""Failures of the Responses API as Problems: one table of codes, one of statuses. Pure.

The input is the status, the JSON body and the headers of an HTTP response, or the error
object of a stream event (OpenAI API reference, "Error codes" and "Streaming events:
error"). A Problem's `cause` is what may be logged. The error's own message is never
used: it may quote the prompt or the key.
"""

import math
import re
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
from app.upstream.causes import about
from app.upstream.codes import code_of

BY_CODE: Mapping[str, type[Problem]] = {
    "insufficient_quota": QuotaExhausted,
    "quota_exceeded": QuotaExhausted,
    "billing_hard_limit_reached": QuotaExhausted,
    "billing_not_active": QuotaExhausted,
    "billing_error": QuotaExhausted,
    "insufficient_credits": QuotaExhausted,
    "insufficient_balance": QuotaExhausted,
    "payment_required": QuotaExhausted,
    "rate_limit_exceeded": RateLimited,
    "rate_limit_error": RateLimited,
    "rate_limit_reached": RateLimited,
    "rate_limited": RateLimited,
    "too_many_requests": RateLimited,
    "resource_exhausted": RateLimited,
    "invalid_api_key": UpstreamUnauthorized,
    "authentication_error": UpstreamUnauthorized,
    "unauthenticated": UpstreamUnauthorized,
    "unauthorized": UpstreamUnauthorized,
    "permission_error": UpstreamUnauthorized,
    "permission_denied": UpstreamUnauthorized,
    "model_not_found": UpstreamMisconfigured,
    "invalid_model": UpstreamMisconfigured,
    "unsupported_model": UpstreamMisconfigured,
    "deploymentnotfound": UpstreamMisconfigured,
    "not_found_error": UpstreamMisconfigured,
    "unknown_parameter": UpstreamMisconfigured,
    "unsupported_parameter": UpstreamMisconfigured,
    "unsupported_value": UpstreamMisconfigured,
    "missing_required_parameter": UpstreamMisconfigured,
    "invalid_type": UpstreamMisconfigured,
    "missing": UpstreamMisconfigured,
    "extra_forbidden": UpstreamMisconfigured,
    "context_length_exceeded": PromptRejected,
    "exceed_context_size_error": PromptRejected,
    "tokens_limit_reached": PromptRejected,
    "request_too_large": PromptRejected,
    "string_above_max_length": PromptRejected,
    "string_too_long": PromptRejected,
    "invalid_prompt": PromptRejected,
    "content_filter": PromptRejected,
    "content_policy_violation": PromptRejected,
    "moderation_blocked": PromptRejected,
    "server_error": UpstreamFailed,
}
BY_STATUS: Mapping[int, type[Problem]] = {
    401: UpstreamUnauthorized,
    402: QuotaExhausted,
    403: UpstreamUnauthorized,
    408: UpstreamTooSlow,
    409: UpstreamFailed,
    413: PromptRejected,
    429: RateLimited,
    504: UpstreamTooSlow,
}
STATUS_OF_TYPE: Mapping[str, int] = {"invalid_request_error": 400, "overloaded_error": 529}
INVALID = frozenset({400, 422})  # statuses for faults of the client or of this server
OF_PARAM = frozenset({"string_above_max_length", "string_too_long", "invalid_prompt"})  # of the field `param`
ASKED = re.compile(r"(input|prompt|messages|input_tokens)([.\[]\d+\]?(\.content([.\[]\d+\]?\.text)?)?)?")
WRONG_URL = "OPENAI_BASE_URL does not lead to a Responses API. The operator of this server must correct it."
NO_SUCH_PATH = frozenset({404, 405})
REDIRECTS = frozenset({301, 302, 303, 307, 308})


def from_status(status: int, body: object, headers: Mapping[str, str]) -> Problem:
    """Returns the Problem of an unsuccessful HTTP response.

    `body` is its JSON, or None.
    """
    error = error_of(body)
    kind = _kind(error, status)
    is_elsewhere = status in REDIRECTS or (status in NO_SUCH_PATH and body is None)
    detail = WRONG_URL if is_elsewhere else None
    wait = retry_after(headers) if kind.retryable else None
    return kind(detail, retry_after=wait, cause=about(status, headers) | _named(error))


def from_stream_error(error: object) -> Problem:
    """Returns the Problem of an `error` event, of a
    `response.failed`, or of a 200 with an error.
    """
    found = error_of(error)
    return _kind(found, None)(cause=_named(found))


def error_of(value: object) -> Mapping[str, Any]:
    """Returns the innermost error object, merged with those around it.

    Servers nest it in `error`, `detail` or `errors`, or send a text or a list instead.
    """
    if isinstance(value, str):
        return {"code": value}
    if isinstance(value, list):
        return error_of(value[0]) if value else {}
    if not isinstance(value, Mapping):
        return {}
    for name in ("error", "detail", "errors"):
        inner = value.get(name)
        if isinstance(inner, Mapping | list) and inner:
            return {
                **value,
                name: None,
                **{key: inside for key, inside in error_of(inner).items() if inside is not None},
            }
        if isinstance(inner, str) and not value.get("code"):
            return {**value, "code": inner}
    return value


def retry_after(headers: Mapping[str, str]) -> int | None:
    """Returns the seconds to wait, rounded up, of `retry-after-ms`
    or `Retry-After` (RFC 9110, 10.2.3).
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        seconds = _seconds(headers.get(name, ""))
        if seconds is not None:
            return max(0, math.ceil(seconds * unit))
    return None


def _kind(error: Mapping[str, Any], status: int | None) -> type[Problem]:
    codes = [code for name in ("code", "type", "status") if (code := code_of(error.get(name)))]
    is_askers = ASKED.fullmatch(_param(error))
    for code in codes:
        if kind := BY_CODE.get(code):
            is_ours = code in OF_PARAM and _param(error) and not is_askers
            return UpstreamMisconfigured if is_ours else kind
    numbers = (int(code) for code in codes if re.fullmatch(r"[45]\d\d", code))
    types = (STATUS_OF_TYPE[code] for code in codes if code in STATUS_OF_TYPE)
    status = next(numbers, None) or status or next(types, HTTPStatus.INTERNAL_SERVER_ERROR)
    if status in INVALID and is_askers:
        return PromptRejected
    is_failure = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return BY_STATUS.get(status, UpstreamFailed if is_failure else UpstreamMisconfigured)


def _param(error: Mapping[str, Any]) -> str:
    """Returns the parameter that the error names, like
    `input.0.content`; empty if it names none.
    """
    param, path = error.get("param"), error.get("loc")
    if isinstance(path, list):
        return ".".join(str(part) for part in path if part != "body")
    return param if isinstance(param, str) else ""


def _named(error: Mapping[str, Any]) -> dict[str, object]:
    return {"upstream_code": code_of(error.get("code")), "upstream_type": code_of(error.get("type"))}


def _seconds(value: str) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return _seconds_until(value)
    return seconds if math.isfinite(seconds) else None


def _seconds_until(value: str) -> float | None:
    try:
        date = parsedate_to_datetime(value)
        return (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):
        return None
