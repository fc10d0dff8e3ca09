"""The API's chat: the answer as a stream of events, or whole."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.chat.events import collect, frame
from app.chat.turn import Chat, RunningTurn
from app.contract import ChatRequest, Event, Turn
from app.routes.problems import PROBLEM_RESPONSES, failure_of
from app.routes.streaming import EventStream


def chat_router(chat: Chat) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["chat"], responses=PROBLEM_RESPONSES)

    @router.post("/chat", response_model=Turn)
    async def answer(body: ChatRequest, request: Request) -> Turn | Response:
        """The whole answer. A turn that fails is a problem, with its status."""
        turn = await chat.begin(body, request.state.request_id)
        events = await read_all(turn)
        return failure_of(events) or collect(events)

    @router.post("/chat/stream", response_class=EventStream, status_code=200)
    async def stream(body: ChatRequest, request: Request) -> EventStream:
        """The answer as server-sent events: `start`, then `text` and others, at last exactly one `end`."""
        turn = await chat.begin(body, request.state.request_id)
        return EventStream(frames(turn))

    return router


async def read_all(turn: RunningTurn) -> list[Event]:
    """All events of the turn, from `Start` to `End`."""
    return [event async for event in turn.events()]


async def frames(turn: RunningTurn) -> AsyncGenerator[bytes]:
    """The turn's events as SSE frames."""
    seq = 0
    async with aclosing(turn.events()) as events:
        async for event in events:
            yield frame(turn.start.turn_id, seq, event)
            seq += 1
