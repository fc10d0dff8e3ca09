"""The routes: the Responses API below /v1, control and observation below /standin.

    POST   /v1/responses          a demo answer or a script, streamed or whole
    GET    /v1/models             a list of models
    GET    /standin/requests      the requests received, without their keys
    DELETE /standin/requests      resets them and the counts of `times`, shuts gates
    POST   /standin/gates/{name}  opens a gate

Errors of /v1 have OpenAI's form.
The control routes answer peers on loopback only, because `make stand-in` listens on all
interfaces for the containers of `sam local`.
"""

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infra.standin.contract import ApiError
from infra.standin.endpoint import Responses, bearer_token, refusal
from infra.standin.request_log import Received
from infra.standin.state import State

Endpoint = Callable[[Request], Awaitable[Response]]

REDACTED = "***"
_MODELS = ("gpt-4o-mini", "gpt-4o", "gpt-4.1-mini", "gpt-4.1")


def create_standin_app(state: State) -> Starlette:
    """Returns the application.

    Its host must put each transport into scope["state"]["transport"].
    """
    control = _Control(state)
    return Starlette(
        routes=[
            Route("/v1/responses", Responses(state), methods=["POST"]),
            Route("/v1/models", _models),
            Route("/standin/requests", _local(control.requests)),
            Route("/standin/requests", _local(control.reset), methods=["DELETE"]),
            Route("/standin/gates/{name}", _local(control.open_gate), methods=["POST"]),
        ],
        exception_handlers={HTTPException: _no_such_url},
    )


class _Control:
    def __init__(self, state: State) -> None:
        self._state = state

    async def requests(self, _: Request) -> Response:
        return JSONResponse([_redacted(entry) for entry in self._state.log.requests()])

    async def reset(self, _: Request) -> Response:
        self._state.reset()
        return Response(status_code=204)

    async def open_gate(self, request: Request) -> Response:
        self._state.gates.open(request.path_params["name"])
        return Response(status_code=204)


def _local(endpoint: Endpoint) -> Endpoint:
    """Wraps an endpoint so that peers outside loopback get 403."""

    async def guarded(request: Request) -> Response:
        if not is_loopback(request.client.host if request.client else ""):
            return refusal(ApiError(403, "The control routes answer peers on loopback only."))
        return await endpoint(request)

    return guarded


def is_loopback(host: str) -> bool:
    """Whether an address is on loopback; an IPv4 address may be mapped to IPv6."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _redacted(entry: Received) -> dict[str, Any]:
    """Returns the entry without its key, which may be a real one."""
    return asdict(entry) | {"token": None if entry.token is None else REDACTED}


async def _models(request: Request) -> Response:
    try:
        bearer_token(request)
    except ApiError as exc:
        return refusal(exc)
    models = [{"id": name, "object": "model", "created": 0, "owned_by": "stand-in"} for name in _MODELS]
    return JSONResponse({"object": "list", "data": models})


async def _no_such_url(request: Request, exc: Exception) -> Response:
    """Responds with 404 or 405 in OpenAI's shape."""
    status = exc.status_code if isinstance(exc, HTTPException) else 500
    return refusal(ApiError(status, f"There is no {request.method} {request.url.path} here."))
