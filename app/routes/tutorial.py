"""The tutorial's two routes, as it defines them, without their faults.

`GET /chat-complete?message=` -> `{"data": "..."}`. `GET /chat-stream?message=` -> `start` with `[START]`, the text in
unnamed events, `end` with `[END]`. An answer that is not complete must not look so: then the whole route adds
`status` and `reason`, and the data of `end` is the API's `end` event in JSON. A refusal's words are its text.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.chat import sse
from app.chat.events import collect
from app.chat.turn import Chat, RunningTurn
from app.contract import ChatRequest, End, Event, Message, Refusal, Start, Status, Text, Turn
from app.routes.chat import read_all
from app.routes.problems import PROBLEM_RESPONSES, failure_of
from app.routes.streaming import EventStream


def tutorial_router(chat: Chat) -> APIRouter:
    router = APIRouter(tags=["tutorial"], responses=PROBLEM_RESPONSES)

    @router.get("/chat-complete", response_model=dict[str, str])
    async def complete(message: Annotated[Message, Query()], request: Request) -> dict[str, str] | Response:
        turn = await chat.begin(ChatRequest(message=message), request.state.request_id)
        events = await read_all(turn)
        return failure_of(events) or tutorial_answer(collect(events))

    @router.get("/chat-stream", response_class=EventStream, status_code=200)
    async def stream(message: Annotated[Message, Query()], request: Request) -> EventStream:
        turn = await chat.begin(ChatRequest(message=message), request.state.request_id)
        return EventStream(frames(turn))

    return router


def tutorial_answer(turn: Turn) -> dict[str, str]:
    """The tutorial's shape; with `status` and `reason` where the answer is not complete."""
    data = {"data": turn.text + turn.refusal}
    return data if turn.status is Status.COMPLETED else data | {"status": turn.status, "reason": turn.reason or ""}


async def frames(turn: RunningTurn) -> AsyncGenerator[bytes]:
    """The turn's events as the tutorial's frames."""
    async with aclosing(turn.events()) as events:
        async for event in events:
            if framed := tutorial_frame(event):
                yield framed


def tutorial_frame(event: Event) -> bytes | None:
    """None for an event that the tutorial does not know."""
    match event:
        case Start():
            return sse.encode("[START]", event="start")
        case Text() | Refusal():
            return sse.encode(event.delta)
        case End(status=Status.COMPLETED):
            return sse.encode("[END]", event="end")
        case End():
            return sse.encode(event.model_dump_json(), event="end")
    return None
