"""Errors as responses: each is `application/problem+json` (RFC 9457), also FastAPI's and Starlette's own."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.chat.record import Numbered
from app.contract import End, FieldError, ProblemDetails, Status
from app.problems import BadRequest, InvalidRequest, Problem, problem_of_status

MEDIA_TYPE = "application/problem+json"
PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "What went wrong (RFC 9457)",
        "content": {MEDIA_TYPE: {"schema": ProblemDetails.model_json_schema()}},
    }
}


def add_problem_handlers(app: FastAPI) -> None:
    """Makes `app` answer the exceptions of a request with their problems."""
    app.exception_handler(Problem)(on_problem)
    app.exception_handler(RequestValidationError)(on_invalid)
    app.exception_handler(HTTPException)(on_http)


def problem_response(details: ProblemDetails, headers: Mapping[str, str] | None = None) -> Response:
    """The problem as a response, with Retry-After where it is known."""
    wait = {} if details.retry_after is None else {"retry-after": str(details.retry_after)}
    content = details.model_dump_json(exclude_none=True)
    return Response(content, details.status, {**(headers or {}), **wait}, MEDIA_TYPE)


def failure_of(events: Sequence[Numbered]) -> Response | None:
    """The response for a turn that failed: nothing of it has been sent yet, so it still has a status."""
    match events[-1]:
        case _, End(status=Status.FAILED, error=ProblemDetails() as details):
            return problem_response(details)
    return None


async def on_problem(request: Request, problem: Problem) -> Response:
    return problem_response(problem.details(request.state.request_id))


async def on_invalid(request: Request, error: RequestValidationError) -> Response:
    """FastAPI's validation: 400 where the body is no JSON, else 422 with each field that is wrong."""
    faults = error.errors()
    if faults[0]["type"] == "json_invalid":
        problem: Problem = BadRequest(f"body: is not valid JSON ({faults[0]['ctx']['error']})")
    else:
        problem = InvalidRequest.of_fields([field_error(fault) for fault in faults])
    return await on_problem(request, problem)


def field_error(fault: Mapping[str, Any]) -> FieldError:
    """The field's path without where it stood ("body", "query"), and pydantic's words for what is wrong."""
    where, *path = fault["loc"]
    detail = str(fault["msg"]).removeprefix("Value error, ")
    if not path and where == "body":
        detail = "must be a JSON object, sent with Content-Type: application/json"
    field = ".".join(map(str, path)) or str(where)
    return FieldError(field=field.encode(errors="replace").decode(), detail=detail)


async def on_http(request: Request, error: HTTPException) -> Response:
    """What Starlette's routing and FastAPI's body limit raise."""
    return problem_response(problem_of_status(error.status_code).details(request.state.request_id), error.headers)
