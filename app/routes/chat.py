"""The API's chat: the answer as a stream of events, or whole."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from app.chat.events import collect, frame
from app.chat.log_format import Numbered
from app.chat.turns import Caller, TurnHandle, Turns
from app.contract import ChatRequest, Turn
from app.problems import InvalidRequest
from app.routes.dependencies import GetOwner, caller_of
from app.routes.problems import NOTHING_MORE, PROBLEM_RESPONSES, failure_of
from app.routes.resume import LastEventId, parse_event_id
from app.routes.streaming import EventStream


def chat_router(chat: Turns, identify: GetOwner) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["chat"], responses=PROBLEM_RESPONSES)
    Calling = Annotated[Caller, Depends(caller_of(identify))]  # noqa: N806 - a type

    @router.post("/chat", response_model=Turn)
    async def answer(body: ChatRequest, caller: Calling) -> Turn | Response:
        """The whole answer. A turn that fails is a problem, with its status."""
        turn = await chat.begin(caller, body)
        events = await read_all(turn)
        return failure_of(events) or collect(turn.head, events)

    @router.post("/chat/stream", response_class=EventStream, status_code=200, responses=NOTHING_MORE)
    async def stream(body: ChatRequest, caller: Calling, last_event_id: LastEventId = None) -> Response:
        """The answer as server-sent events: `start`, then `text` and others, at last exactly one `end`.

        With the id of an event as `Last-Event-ID`, that event's turn goes on after it, and nothing is asked again.
        """
        if not last_event_id:
            turn = await chat.begin(caller, body)
            return EventStream(frames(turn), until=turn.wait_stored, comment_first=not turn.has_begun)
        turn_id, seq = parse_event_id(last_event_id)
        if body.turn_id not in {None, turn_id}:
            raise InvalidRequest.of_field("Last-Event-ID", "belongs to another turn than turn_id")
        return await resumed(await chat.rejoin(caller, str(turn_id), body), seq + 1)

    return router


async def read_all(turn: TurnHandle) -> list[Numbered]:
    """All events of the turn, when it is over."""
    events = [event async for event in turn.events()]
    await turn.wait_stored()
    return events


async def resumed(turn: TurnHandle, seq: int) -> Response:
    """The turn from event number `seq` on; 204 if its end lies before that. Raises StoreFailed."""
    if await turn.ended_before(seq):
        return Response(status_code=204)
    return EventStream(frames(turn, seq), until=turn.wait_stored, comment_first=not turn.has_begun)


async def frames(turn: TurnHandle, seq: int = 0) -> AsyncGenerator[bytes]:
    """The turn's events from number `seq` on, as SSE frames."""
    async with aclosing(turn.events(seq)) as events:
        async for number, event in events:
            yield frame(turn.head.turn_id, number, event)
