"""The table of what each of OpenAI's failures means for the caller."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from app import problems
from app.chat.faults import from_status, from_stream_error, retry_after


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
        (422, None, problems.PromptRejected),
        (429, {"code": "rate_limit_exceeded"}, problems.RateLimited),
        (429, {"code": None, "type": "tokens"}, problems.RateLimited),
        (429, {"code": "insufficient_quota"}, problems.QuotaExhausted),
        (429, {"type": "insufficient_quota"}, problems.QuotaExhausted),
        (500, {"code": 17}, problems.UpstreamFailed),
        (503, ["no", "object"], problems.UpstreamFailed),
        (504, None, problems.UpstreamTooSlow),
    ],
)
def test_an_http_error_has_its_problem(status: int, error: object, expected: type[problems.Problem]) -> None:
    assert type(from_status(status, error, {})) is expected


def test_only_a_problem_worth_retrying_says_when() -> None:
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
        ({}, problems.UpstreamFailed),
        (None, problems.UpstreamFailed),
    ],
)
def test_an_error_in_the_stream_has_its_problem(error: object, expected: type[problems.Problem]) -> None:
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


def test_retry_after_may_be_a_date() -> None:
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 55 <= (retry_after({"retry-after": in_a_minute}) or 0) <= 60
