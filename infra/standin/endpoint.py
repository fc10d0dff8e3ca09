"""POST /v1/responses, as an ASGI application of its own: it must hear at once, while it answers, that the client left.

In: a request of the Responses API. Out: a demo answer or a play. A request without a key is answered with 401, one that
is wrong, or holds a bad play, with 400, both with OpenAI's error object. Every request is entered in the ledger.
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
from infra.standin.player import Stream, Whole, perform
from infra.standin.plays import PREFIX, PlayError, Status, Step, parse
from infra.standin.responses import Answer
from infra.standin.script import due, written_out
from infra.standin.state import State

_KINDS_AND_CODES = {
    401: ("invalid_request_error", "invalid_api_key"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", "server_error"),
    503: ("server_error", "server_is_overloaded"),
}


class Responses:
    """The endpoint; what it shares with others is in `state`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            return
        ledger = self._state.ledger
        number = ledger.received(_readable(body), _token(request), scope["client"][1])
        async with anyio.create_task_group() as group:
            # ends in every case: after the response, too, receive() says http.disconnect
            group.start_soon(_cancel_when_gone, receive, group.cancel_scope)
            await self._answer(request, body, send)
            ledger.ended(number, "finished")
        ledger.ended(number, "closed")

    async def _answer(self, request: Request, body: bytes, send: Send) -> None:
        try:
            bearer_token(request)
            status = await self._perform(CreateRequest.parse(body), request.scope, send)
        except ApiError as exc:
            await refusal(exc)(request.scope, request.receive, send)
        else:
            if status is not None:
                await _response(status)(request.scope, request.receive, send)

    async def _perform(self, asked: CreateRequest, scope: Scope, send: Send) -> Status | None:
        answer = Answer.to(asked)
        transport: Transport = scope["state"]["transport"]
        outlet = Stream(send) if asked.stream else Whole(send, answer)
        return await perform(self._script(answer), outlet, self._state.gates, transport.close)

    def _script(self, answer: Answer) -> Iterable[Step]:
        prompt = answer.request.prompt
        if not prompt.startswith(PREFIX):
            return demo(answer, self._state.pace)
        try:
            steps = parse(prompt)
        except PlayError as exc:
            raise ApiError(400, str(exc), param="input", code="bad_play") from exc
        ledger = self._state.ledger
        return written_out(due(steps, lambda index: ledger.nth((prompt, index))), answer)


async def _cancel_when_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


def bearer_token(request: Request) -> str:
    """The token of `Authorization: Bearer ...`; raises ApiError 401 without one."""
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
    """The body as the ledger shows it: its JSON, or its text where it is none."""
    try:
        value: JsonValue = from_json(body, allow_inf_nan=False)
    except ValueError:
        return body.decode(errors="replace")
    return value


def _response(step: Status) -> Response:
    """The response that a status step asks for."""
    if isinstance(step.body, str):
        return PlainTextResponse(step.body, step.status, step.headers)
    return JSONResponse(step.body or _error(step.status), step.status, step.headers)


def _error(status: int) -> JsonValue:
    kind, code = _KINDS_AND_CODES.get(status, ("invalid_request_error", None))
    return ApiError(status, f"The play says {status}.", kind=kind, code=code).body
