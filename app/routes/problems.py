"""Errors as responses: each is `application/problem+json` (RFC 9457), also FastAPI's and Starlette's own."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from app.chat.log_format import Numbered
from app.contract import End, FieldError, ProblemDetails, Status
from app.middleware.problem_response import MEDIA_TYPE, problem_response
from app.problems import BadRequest, InvalidRequest, MethodNotAllowed, Problem, problem_of_status

log = logging.getLogger("rivulet.problems")
MAX_ERRORS = 10  # fields that a problem lists
MAX_NAME = 100  # characters of a field's name in it
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "What went wrong (RFC 9457)",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
    }
}
NOTHING_MORE: dict[int | str, dict[str, Any]] = {204: {"description": "The stream was read to its end before"}}


def add_problem_handlers(app: FastAPI) -> None:
    """Makes `app` answer the exceptions of a request with their problems."""
    app.exception_handler(Problem)(on_problem)
    app.exception_handler(RequestValidationError)(on_invalid)
    app.exception_handler(ResponseValidationError)(on_invalid_response)
    app.exception_handler(HTTPException)(on_http)


def failure_of(events: Sequence[Numbered]) -> Response | None:
    """The response for a turn that failed: nothing of it has been sent yet, so it still has a status."""
    match events[-1]:
        case _, End(status=Status.FAILED, error=ProblemDetails() as details):
            return problem_response(details)
    return None


async def on_problem(request: Request, problem: Problem) -> Response:
    return problem_response(problem.details(request.state.request_id))


async def on_invalid(request: Request, error: RequestValidationError) -> Response:
    """FastAPI's validation: 400 if the body is no JSON, else 422 with the first fields that are wrong."""
    faults = error.errors()[:MAX_ERRORS]
    if faults[0]["type"] == "json_invalid":
        problem: Problem = BadRequest(f"body: is not valid JSON ({faults[0]['ctx']['error']})")
    else:
        problem = InvalidRequest.of_fields([field_error(fault) for fault in faults])
    return await on_problem(request, problem)


def field_error(fault: Mapping[str, Any]) -> FieldError:
    """The field's path without where it stood ("body", "query"), and pydantic's words for what is wrong.

    The path is cut: it may be a name of the client's own, of any length.
    """
    where, *path = fault["loc"]
    detail = str(fault["msg"]).removeprefix("Value error, ")
    if not path and where == "body":
        detail = "must be a JSON object, sent with Content-Type: application/json"
    field = ".".join(str(part)[:MAX_NAME] for part in path) or str(where)
    return FieldError(field=field[:MAX_NAME].encode(errors="replace").decode(), detail=detail)


async def on_http(request: Request, error: HTTPException) -> Response:
    """What Starlette's routing, the file server and the body limit raise."""
    if error.status_code != MethodNotAllowed.status:
        problem = problem_of_status(error.status_code)
        return problem_response(problem.details(request.state.request_id), error.headers)
    allow = {"allow": ", ".join(allowed_methods(request))}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=allow)
    return problem_response(MethodNotAllowed().details(request.state.request_id), allow)


def allowed_methods(request: Request) -> list[str]:
    """All methods of the request's path (RFC 9110, 10.2.1): of its routes, or of the files if there are none.

    Starlette itself names those of the first route only.
    """
    found = [
        method
        for method in METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    ] or ["GET"]
    return [*found, "HEAD"] if "GET" in found else found


async def on_invalid_response(request: Request, error: ResponseValidationError) -> Response:
    """A response that is not what its route promises: logged by place and kind, since it may hold an answer."""
    faults = [f"{'.'.join(map(str, fault['loc']))[:MAX_NAME]}: {fault['type']}" for fault in error.errors()]
    log.error("a response is not valid: %s", "; ".join(faults[:MAX_ERRORS]))
    return await on_problem(request, Problem())
