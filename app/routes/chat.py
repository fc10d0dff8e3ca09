"""The API's chat: the answer as a stream of events, or whole."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from app.chat.events import collect, frame
from app.chat.record import Numbered
from app.chat.turn import Caller, Chat, OpenTurn
from app.contract import ChatRequest, Turn
from app.routes.caller import Identify, caller_of
from app.routes.problems import PROBLEM_RESPONSES, failure_of
from app.routes.streaming import EventStream


def chat_router(chat: Chat, identify: Identify) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["chat"], responses=PROBLEM_RESPONSES)
    Calling = Annotated[Caller, Depends(caller_of(identify))]  # noqa: N806 - a type

    @router.post("/chat", response_model=Turn)
    async def answer(body: ChatRequest, caller: Calling) -> Turn | Response:
        """The whole answer. A turn that fails is a problem, with its status."""
        turn = await chat.begin(caller, body)
        events = await read_all(turn)
        return failure_of(events) or collect(turn.head, events)

    @router.post("/chat/stream", response_class=EventStream, status_code=200)
    async def stream(body: ChatRequest, caller: Calling) -> EventStream:
        """The answer as server-sent events: `start`, then `text` and others, at last exactly one `end`."""
        turn = await chat.begin(caller, body)
        return EventStream(frames(turn), until=turn.kept, comment_first=not turn.has_begun)

    return router


async def read_all(turn: OpenTurn) -> list[Numbered]:
    """All events of the turn, when it is over."""
    events = [event async for event in turn.events()]
    await turn.kept()
    return events


async def frames(turn: OpenTurn, seq: int = 0) -> AsyncGenerator[bytes]:
    """The turn's events from number `seq` on, as SSE frames."""
    async with aclosing(turn.events(seq)) as events:
        async for number, event in events:
            yield frame(turn.head.turn_id, number, event)
