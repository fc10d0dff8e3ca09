"""The routes: the Responses API below /v1, control and observation below /standin.

POST   /v1/responses             a demo answer or a play, streamed or whole; 400 and 401 in OpenAI's shape
GET    /v1/models                a list of models
GET    /standin/requests         the requests received, as `ledger.Received`
DELETE /standin/requests         forget them and the counts of `times`, and shut the gates that are open
POST   /standin/gates/{name}     open a gate
"""

from dataclasses import asdict

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.standin.contract import ApiError
from infra.standin.endpoint import Responses, bearer_token, refusal
from infra.standin.state import State

_MODELS = ("gpt-4o-mini", "gpt-4o", "gpt-4.1-mini", "gpt-4.1")


def create_standin_app(state: State) -> Starlette:
    """The application; its host must put each connection's transport into scope["state"]["transport"]."""
    control = _Control(state)
    return Starlette(
        routes=[
            Route("/v1/responses", Responses(state), methods=["POST"]),
            Route("/v1/models", _models),
            Route("/standin/requests", control.requests),
            Route("/standin/requests", control.forget, methods=["DELETE"]),
            Route("/standin/gates/{name}", control.open_gate, methods=["POST"]),
        ],
        exception_handlers={HTTPException: _no_such_url},
    )


class _Control:
    def __init__(self, state: State) -> None:
        self._state = state

    async def requests(self, _: Request) -> Response:
        return JSONResponse([asdict(entry) for entry in self._state.ledger.requests()])

    async def forget(self, _: Request) -> Response:
        self._state.clear()
        return Response(status_code=204)

    async def open_gate(self, request: Request) -> Response:
        self._state.gates.open(request.path_params["name"])
        return Response(status_code=204)


async def _models(request: Request) -> Response:
    try:
        bearer_token(request)
    except ApiError as exc:
        return refusal(exc)
    models = [{"id": name, "object": "model", "created": 0, "owned_by": "stand-in"} for name in _MODELS]
    return JSONResponse({"object": "list", "data": models})


async def _no_such_url(request: Request, exc: Exception) -> Response:
    """404 and 405 in OpenAI's shape."""
    status = exc.status_code if isinstance(exc, HTTPException) else 500
    return refusal(ApiError(status, f"There is no {request.method} {request.url.path} here."))
