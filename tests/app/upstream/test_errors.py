"""The table of OpenAI's failures, and their Problems."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from app import problems
from app.upstream.errors import from_status, from_stream_error, retry_after


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (400, {"code": "context_length_exceeded"}, problems.PromptRejected),
        (400, {"type": "invalid_request_error", "param": "input"}, problems.PromptRejected),
        (400, {"param": "max_output_tokens"}, problems.UpstreamMisconfigured),
        (400, {"code": "model_not_found"}, problems.UpstreamMisconfigured),
        (401, {"code": "invalid_api_key"}, problems.UpstreamUnauthorized),
        (403, None, problems.UpstreamUnauthorized),
        (404, "no object", problems.UpstreamMisconfigured),
        (405, None, problems.UpstreamMisconfigured),
        (408, None, problems.UpstreamTooSlow),
        (409, None, problems.UpstreamFailed),
        (413, None, problems.PromptRejected),
        (422, None, problems.UpstreamMisconfigured),
        (400, None, problems.UpstreamMisconfigured),
        (402, None, problems.QuotaExhausted),
        (402, {"code": 402}, problems.QuotaExhausted),
        (301, None, problems.UpstreamMisconfigured),
        (308, None, problems.UpstreamMisconfigured),
        (520, None, problems.UpstreamFailed),
        (529, {"type": "overloaded_error"}, problems.UpstreamFailed),
        (400, {"code": 400}, problems.UpstreamMisconfigured),
        (400, {"code": "429"}, problems.RateLimited),
        (500, {"code": 402}, problems.QuotaExhausted),
        (503, {"code": 20003}, problems.UpstreamFailed),
        (400, {"code": True}, problems.UpstreamMisconfigured),
        (400, {"code": "content_filter", "param": "prompt"}, problems.PromptRejected),
        (400, {"code": "context_length_exceeded", "param": "max_tokens"}, problems.PromptRejected),
        (400, {"code": "string_above_max_length", "param": "input"}, problems.PromptRejected),
        (400, {"code": "string_above_max_length", "param": "instructions"}, problems.UpstreamMisconfigured),
        (400, {"code": "invalid_prompt", "param": "instructions"}, problems.UpstreamMisconfigured),
        (400, {"code": "unsupported_parameter", "param": "input"}, problems.UpstreamMisconfigured),
        (400, {"code": "invalid_value", "param": "input[1].content[0].type"}, problems.UpstreamMisconfigured),
        (400, {"code": "invalid_value", "param": "input[1].content[0].text"}, problems.PromptRejected),
        (400, {"type": "invalid_request_error", "param": "instructions"}, problems.UpstreamMisconfigured),
        (400, {"type": "invalid_request_error", "param": None}, problems.UpstreamMisconfigured),
        (400, {"param": "input_tokens"}, problems.PromptRejected),
        (401, {"type": "invalid_request_error", "code": "invalid_api_key"}, problems.UpstreamUnauthorized),
        (429, {"code": "rate_limit_exceeded"}, problems.RateLimited),
        (429, {"code": None, "type": "tokens"}, problems.RateLimited),
        (429, {"code": "insufficient_quota"}, problems.QuotaExhausted),
        (429, {"type": "insufficient_quota"}, problems.QuotaExhausted),
        (500, {"code": 17}, problems.UpstreamFailed),
        (503, ["no", "object"], problems.UpstreamFailed),
        (504, None, problems.UpstreamTooSlow),
    ],
)
def test_http_error_maps_to_problem(status: int, error: object, expected: type[problems.Problem]) -> None:
    assert type(from_status(status, error, {})) is expected


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"error": {"code": "content_filter"}}, problems.PromptRejected),
        (400, {"error": {"error": {"code": "insufficient_quota"}}}, problems.QuotaExhausted),
        (400, {"code": "insufficient_quota", "error": {"message": "m", "code": None}}, problems.QuotaExhausted),
        (400, [{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}], problems.RateLimited),
        (400, {"errors": [{"code": "model_not_found"}]}, problems.UpstreamMisconfigured),
        (400, {"error": "insufficient_quota"}, problems.QuotaExhausted),
        (400, {"error": "engine is dead"}, problems.UpstreamMisconfigured),
        (400, {"detail": "Unsupported parameter: max_output_tokens"}, problems.UpstreamMisconfigured),
        (400, {"detail": {"error": {"code": "rate_limit_exceeded"}}}, problems.RateLimited),
        (422, {"detail": [{"type": "missing", "loc": ["body", "input"]}]}, problems.UpstreamMisconfigured),
        (422, {"detail": [{"type": "string_too_long", "loc": ["body", "input"]}]}, problems.PromptRejected),
        (422, {"detail": [{"type": "string_too_long", "loc": ["body", "model"]}]}, problems.UpstreamMisconfigured),
        (400, {"object": "error", "type": "BadRequestError", "code": 400}, problems.UpstreamMisconfigured),
        (401, {"statusCode": 401, "message": "no"}, problems.UpstreamUnauthorized),
        (429, {}, problems.RateLimited),
        (429, [], problems.RateLimited),
        (429, {"error": None, "detail": [], "errors": {}}, problems.RateLimited),
    ],
)
def test_an_error_is_found_wherever_it_lies(status: int, body: object, expected: type[problems.Problem]) -> None:
    assert type(from_status(status, body, {})) is expected


def test_a_cause_holds_codes_and_no_content() -> None:
    headers = {
        "content-type": "application/json; charset=secret",
        "x-request-id": "req_1\nsecret",
        "location": "https://user:secret@host/secret?secret",
    }
    cause = from_status(400, {"error": {"code": "C" * 99, "type": "a\nsecret", "message": "secret"}}, headers).cause
    assert cause["upstream_status"] == 400
    assert cause["upstream_content_type"] == "application/json"
    assert cause["upstream_code"] == "c" * 64
    assert "secret" not in str(cause)
    moved = from_status(308, None, {"location": "https://host:8443/secret"}).cause
    assert moved["upstream_location"] == "https://host:8443"


@pytest.mark.parametrize("status", [301, 307, 404, 405])
def test_path_without_api_hints_at_url(status: int) -> None:
    assert "OPENAI_BASE_URL" in from_status(status, None, {}).detail
    assert "OPENAI_BASE_URL" not in from_status(404, {"error": {"code": "model_not_found"}}, {}).detail


def test_only_retryable_problem_has_retry_after() -> None:
    assert from_status(429, None, {"retry-after": "7"}).retry_after == 7
    assert from_status(401, None, {"retry-after": "7"}).retry_after is None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"code": "server_error"}, problems.UpstreamFailed),
        ({"code": "rate_limit_exceeded"}, problems.RateLimited),
        ({"code": "insufficient_quota"}, problems.QuotaExhausted),
        ({"code": "invalid_prompt"}, problems.PromptRejected),
        ({"code": "never heard of"}, problems.UpstreamFailed),
        ({"code": 429}, problems.RateLimited),
        ({"code": "401"}, problems.UpstreamUnauthorized),
        ({"type": "invalid_request_error"}, problems.UpstreamMisconfigured),
        ({"type": "invalid_request_error", "param": "input"}, problems.PromptRejected),
        ({"type": "overloaded_error"}, problems.UpstreamFailed),
        ("insufficient_quota", problems.QuotaExhausted),
        ("engine is dead", problems.UpstreamFailed),
        ({}, problems.UpstreamFailed),
        (None, problems.UpstreamFailed),
    ],
)
def test_stream_error_maps_to_problem(error: object, expected: type[problems.Problem]) -> None:
    assert type(from_stream_error(error)) is expected


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.2"}, 1),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 2),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"retry-after": "Wed, 99 Oct 2015 07:28:00 GMT"}, None),
    ],
)
def test_retry_after_is_whole_seconds(headers: dict[str, str], seconds: int | None) -> None:
    assert retry_after(headers) == seconds


def test_retry_after_may_be_date() -> None:
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 55 <= (retry_after({"retry-after": in_a_minute}) or 0) <= 60
