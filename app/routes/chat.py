"""Asks: the answer whole, or as a stream of events."""

from fastapi import APIRouter
from starlette.responses import Response

from app.contract import ChatRequest, Turn
from app.problems import InvalidRequest
from app.routes.dependencies import CallerDep, TurnsDep
from app.routes.problems import PROBLEM_RESPONSES, STREAM_RESPONSES, failure_response
from app.routes.resume import LastEventId, parse_event_id
from app.routes.streaming import EventStream, resume, stream_turn

router = APIRouter(prefix="/api", tags=["chat"], responses=PROBLEM_RESPONSES)


@router.post("/chat", response_model=Turn)
async def answer(body: ChatRequest, caller: CallerDep, turns: TurnsDep) -> Turn | Response:
    """Returns the whole answer. A turn that fails is a problem with its status."""
    handle = await turns.begin(caller, body)
    turn = await handle.result()
    return failure_response(turn) or turn


@router.post("/chat/stream", response_class=EventStream, status_code=200, responses=STREAM_RESPONSES)
async def stream(body: ChatRequest, caller: CallerDep, turns: TurnsDep, last_event_id: LastEventId = None) -> Response:
    """Streams the answer as server-sent events: `start`, then
    `text` and others, then one `end`.

    With the id of an event as `Last-Event-ID`, the stream resumes after that event, and
    nothing is asked again.
    """
    if not last_event_id:
        turn = await turns.begin(caller, body)
        return stream_turn(turn, turn.frames())
    turn_id, seq = parse_event_id(last_event_id)
    if body.turn_id not in {None, turn_id}:
        raise InvalidRequest.of_field("Last-Event-ID", "belongs to another turn than turn_id")
    return await resume(await turns.rejoin(caller, str(turn_id), body), seq + 1)
