"""Errors as responses of type `application/problem+json` (RFC 9457).

This includes the errors of FastAPI and Starlette.
"""

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from app.contract import FieldError, Status, Turn
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
STREAM_RESPONSES: dict[int | str, dict[str, Any]] = {204: {"description": "The client already has the last event"}}


def add_problem_handlers(app: FastAPI) -> None:
    """Registers the handlers of a request's exceptions."""
    app.exception_handler(Problem)(on_problem)
    app.exception_handler(RequestValidationError)(on_invalid)
    app.exception_handler(ResponseValidationError)(on_invalid_response)
    app.exception_handler(HTTPException)(on_http)


def failure_response(turn: Turn) -> Response | None:
    """Returns the response for a turn that failed; nothing
    was sent yet, so it has a status.
    """
    return problem_response(turn.error) if turn.status is Status.FAILED and turn.error else None


async def on_problem(request: Request, problem: Problem) -> Response:
    return problem_response(problem.details(request.state.request_id))


async def on_invalid(request: Request, error: RequestValidationError) -> Response:
    """Handles FastAPI's validation: 400 if the body is not
    JSON, else 422 with the first errors.
    """
    faults = error.errors()[:MAX_ERRORS]
    if faults[0]["type"] == "json_invalid":
        problem: Problem = BadRequest(f"body: is not valid JSON ({faults[0]['ctx']['error']})")
    else:
        problem = InvalidRequest.of_fields([field_error(fault) for fault in faults])
    return await on_problem(request, problem)


def field_error(fault: Mapping[str, Any]) -> FieldError:
    """Returns the field's path without its place ("body",
    "query"), and pydantic's message.

    The path is cut, because the client may send names of any length.
    """
    place, *path = fault["loc"]
    detail = str(fault["msg"]).removeprefix("Value error, ")
    if not path and place == "body":
        detail = "must be a JSON object, sent with Content-Type: application/json"
    field = ".".join(str(part)[:MAX_NAME] for part in path) or str(place)
    return FieldError(field=field[:MAX_NAME].encode(errors="replace").decode(), detail=detail)


async def on_http(request: Request, error: HTTPException) -> Response:
    """Handles the errors of routing, of the file server and of the body limit."""
    if error.status_code != MethodNotAllowed.status:
        problem = problem_of_status(error.status_code)
        return problem_response(problem.details(request.state.request_id), error.headers)
    allow = {"allow": ", ".join(allowed_methods(request))}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=allow)
    return problem_response(MethodNotAllowed().details(request.state.request_id), allow)


def allowed_methods(request: Request) -> list[str]:
    """Returns all methods of the request's path (RFC 9110, 10.2.1).

    Starlette itself returns those of the first route only.
    """
    found = [
        method
        for method in METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    ] or ["GET"]
    return [*found, "HEAD"] if "GET" in found else found


async def on_invalid_response(request: Request, error: ResponseValidationError) -> Response:
    """Handles a response that does not match its route's model.

    Only places and kinds are logged: the values may be an answer.
    """
    faults = [f"{'.'.join(map(str, fault['loc']))[:MAX_NAME]}: {fault['type']}" for fault in error.errors()]
    log.error("invalid response: %s", "; ".join(faults[:MAX_ERRORS]))
    return await on_problem(request, Problem())
