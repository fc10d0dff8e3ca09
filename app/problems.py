"""Every error that a client may receive, as one tree (RFC 9457 problem details).

    Problem                   500 internal_error
    ├─ BadRequest             400 bad_request            the body is not JSON
    ├─ NotFound               404 not_found              no such address or object
    ├─ MethodNotAllowed       405 method_not_allowed     the address has other methods
    ├─ BodyTooLarge           413 body_too_large         more than MAX_BODY_BYTES
    ├─ InvalidRequest         422 invalid_request        a field is missing or invalid
    ├─ PromptRejected         400 prompt_rejected        OpenAI refuses this prompt
    ├─ NotConfigured          503 not_configured         this server has no API key
    ├─ RateLimited            429 rate_limited           OpenAI's rate limit
    ├─ QuotaExhausted         503 quota_exhausted        OpenAI's account has no budget
    ├─ UpstreamMisconfigured  502 upstream_misconfigured OpenAI refuses our parameters
    │  └─ UpstreamUnauthorized 502 upstream_unauthorized OpenAI refuses our key
    ├─ UpstreamFailed         502 upstream_failed        OpenAI failed
    │  └─ UpstreamCut         502 upstream_cut           the answer was cut off
    ├─ UpstreamUnreachable    503 upstream_unreachable   no connection
    ├─ UpstreamTooSlow        504 upstream_too_slow      OpenAI timed out
    ├─ Conflict               409 conflict               the turn's id is taken
    └─ StoreFailed            503 store_failed           the store is unavailable
       ├─ StoreRefused        503 store_refused          until its operator corrects it
       └─ NotKept             503 not_kept               the answer is not stored

Before the first byte a problem is the response, with its status; after it, it is the
`error` of the terminal event. All texts are written here: no text of OpenAI, a library
or an exception is passed on.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import ClassVar

from app.contract import FieldError, ProblemDetails


class Problem(Exception):  # noqa: N818 - RFC 9457's word
    """Base of all problems.

    `detail` is what is wrong and what to do; `retry_after` is in seconds.

    `cause` is only for the log: fields without content.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    retryable: ClassVar[bool] = False
    default_detail: ClassVar[str] = "The server failed. The error is logged under the request id."

    def __init__(
        self,
        detail: str | None = None,
        *,
        retry_after: int | None = None,
        errors: Sequence[FieldError] = (),
        cause: Mapping[str, object] | None = None,
    ) -> None:
        self.detail = detail or self.default_detail
        self.retry_after = retry_after
        self.errors = list(errors)
        self.cause = dict(cause or {})
        super().__init__(self.detail)

    def details(self, request_id: str | None) -> ProblemDetails:
        """Returns the problem as it is on the wire."""
        return ProblemDetails(
            type=f"urn:rivulet:problem:{self.code}",
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            detail=self.detail,
            code=self.code,
            retryable=self.retryable,
            retry_after=self.retry_after,
            request_id=request_id,
            errors=self.errors or None,
        )


class BadRequest(Problem):
    status = 400
    code = "bad_request"
    default_detail = "The request is malformed."


class NotFound(Problem):
    status = 404
    code = "not_found"
    default_detail = "There is nothing at this address."


class MethodNotAllowed(Problem):
    status = 405
    code = "method_not_allowed"
    default_detail = "This address does not allow this method."


class BodyTooLarge(Problem):
    status = 413
    code = "body_too_large"
    default_detail = "body: is too large. Send a shorter message."


class InvalidRequest(Problem):
    status = 422
    code = "invalid_request"
    default_detail = "The request is not valid."

    @classmethod
    def of_field(cls, field: str, detail: str) -> "InvalidRequest":
        """Returns the problem of one invalid field, by its name on the wire."""
        return cls.of_fields([FieldError(field=field, detail=detail)])

    @classmethod
    def of_fields(cls, errors: Sequence[FieldError]) -> "InvalidRequest":
        return cls("; ".join(f"{error.field}: {error.detail}" for error in errors), errors=errors)


class PromptRejected(Problem):
    status = 400
    code = "prompt_rejected"
    default_detail = "The model does not accept this message. Shorten it or change it."


class NotConfigured(Problem):
    status = 503
    code = "not_configured"
    default_detail = "This server has no OpenAI API key. Its operator must set OPENAI_API_KEY."


class RateLimited(Problem):
    status = 429
    code = "rate_limited"
    retryable = True
    default_detail = "The model's rate limit is reached. Wait a moment and try again."


class QuotaExhausted(Problem):
    status = 503
    code = "quota_exhausted"
    default_detail = "The OpenAI account of this server has no quota left. Its operator must raise it."


class UpstreamMisconfigured(Problem):
    status = 502
    code = "upstream_misconfigured"
    default_detail = "OpenAI does not accept this server's model or parameters. Its operator must correct them."


class UpstreamUnauthorized(UpstreamMisconfigured):
    code = "upstream_unauthorized"
    default_detail = "OpenAI does not accept this server's API key. Its operator must correct it."


class UpstreamFailed(Problem):
    status = 502
    code = "upstream_failed"
    retryable = True
    default_detail = "The model failed to answer. Try again."


class UpstreamCut(UpstreamFailed):
    code = "upstream_cut"
    default_detail = "The answer was cut off before its end. Try again."


class UpstreamUnreachable(Problem):
    status = 503
    code = "upstream_unreachable"
    retryable = True
    default_detail = "The model cannot be reached at the moment. Try again."


class UpstreamTooSlow(Problem):
    status = 504
    code = "upstream_too_slow"
    retryable = True
    default_detail = "The model took too long to answer. Try again."


class Conflict(Problem):
    status = 409
    code = "conflict"
    default_detail = "turn_id: is already used for another question. Choose a new one."


class StoreFailed(Problem):
    status = 503
    code = "store_failed"
    retryable = True
    default_detail = "Conversations cannot be stored at the moment. Nothing was asked. Try again."


class StoreRefused(StoreFailed):
    code = "store_refused"
    retryable = False
    default_detail = "Conversations cannot be stored. Nothing was asked. The operator of this server must correct it."


class NotKept(StoreFailed):
    code = "not_kept"
    default_detail = "The answer could not be stored. Copy what you want to keep."


def problem_of_status(status: int) -> Problem:
    """Returns the Problem for a library's status; an
    unexpected one is a fault of the server.
    """
    kinds = (BadRequest, NotFound, MethodNotAllowed, BodyTooLarge)
    return next((kind() for kind in kinds if kind.status == status), Problem())
