"""POST /v1/responses: a demo answer or a script.

Every request is logged in the request log.

It is an ASGI application, so that a disconnect of the client is noticed during the
answer. A request without a key gets 401, an invalid request or script gets 400, both
with OpenAI's error object.
"""

from asyncio import Transport
from collections.abc import Iterable

import anyio
from pydantic import JsonValue
from pydantic_core import from_json
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from infra.standin.contract import ApiError, CreateRequest
from infra.standin.demo import demo
from infra.standin.expansion import expand, pending_steps
from infra.standin.language import PREFIX, ScriptError, Status, Step, parse
from infra.standin.responses import Answer
from infra.standin.runner import Stream, Whole, run
from infra.standin.state import State

_KINDS_AND_CODES = {
    401: ("invalid_request_error", "invalid_api_key"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", "server_error"),
    503: ("server_error", "server_is_overloaded"),
}


class Responses:
    """The endpoint; it shares `state` with the other routes."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            return
        log = self._state.log
        number = log.add(_readable(body), _token(request), scope["client"][1])
        async with anyio.create_task_group() as group:
            # ends in every case: after the response, receive() returns http.disconnect
            # as well
            group.start_soon(_cancel_when_gone, receive, group.cancel_scope)
            await self._answer(request, body, send)
            log.end(number, "finished")
        log.end(number, "closed")

    async def _answer(self, request: Request, body: bytes, send: Send) -> None:
        try:
            bearer_token(request)
            status = await self._run(CreateRequest.parse(body), request.scope, send)
        except ApiError as exc:
            await refusal(exc)(request.scope, request.receive, send)
        else:
            if status is not None:
                await _response(status)(request.scope, request.receive, send)

    async def _run(self, asked: CreateRequest, scope: Scope, send: Send) -> Status | None:
        answer = Answer.to(asked)
        transport: Transport = scope["state"]["transport"]
        writer = Stream(send) if asked.stream else Whole(send, answer)
        return await run(self._script(answer), writer, self._state.gates, transport.close)

    def _script(self, answer: Answer) -> Iterable[Step]:
        prompt = answer.request.prompt
        if not prompt.startswith(PREFIX):
            return demo(answer, self._state.timing)
        try:
            steps = parse(prompt)
        except ScriptError as exc:
            raise ApiError(400, str(exc), param="input", code="bad_play") from exc
        log = self._state.log
        return expand(pending_steps(steps, lambda index: log.count((prompt, index))), answer)


async def _cancel_when_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


def bearer_token(request: Request) -> str:
    """Returns the token of `Authorization: Bearer ...`.
    Raises ApiError 401 without one.
    """
    token = _token(request)
    if token is None:
        raise ApiError(401, "No API key: send one as the bearer token of the Authorization header.")
    return token


def refusal(error: ApiError) -> Response:
    return JSONResponse(error.body, error.status)


def _token(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return (token.strip() or None) if scheme.lower() == "bearer" else None


def _readable(body: bytes) -> JsonValue:
    """Returns the body for the request log: its JSON, or its text if it is not JSON."""
    try:
        value: JsonValue = from_json(body, allow_inf_nan=False)
    except ValueError:
        return body.decode(errors="replace")
    return value


def _response(step: Status) -> Response:
    """Returns the response of a status step."""
    if isinstance(step.body, str):
        return PlainTextResponse(step.body, step.status, step.headers)
    return JSONResponse(step.body or _error(step.status), step.status, step.headers)


def _error(status: int) -> JsonValue:
    kind, code = _KINDS_AND_CODES.get(status, ("invalid_request_error", None))
    return ApiError(status, f"The script has status {status}.", kind=kind, code=code).body
