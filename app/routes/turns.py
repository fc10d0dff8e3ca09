"""One turn by its id: read, follow, stop."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.contract import Id, Turn
from app.routes.dependencies import CallerDep, IsHeadDep, TurnsDep, head_response
from app.routes.problems import PROBLEM_RESPONSES, STREAM_RESPONSES
from app.routes.resume import LastEventId, next_seq
from app.routes.streaming import EventStream, resume

router = APIRouter(prefix="/api/turns", tags=["turns"], responses=PROBLEM_RESPONSES)


@router.get("/{turn_id}")
async def read(turn_id: Id, caller: CallerDep, turns: TurnsDep) -> Turn:
    """Returns the turn so far; `running` if it has no end yet."""
    return await turns.read(caller, str(turn_id))


@router.get("/{turn_id}/stream", response_class=EventStream, status_code=200, responses=STREAM_RESPONSES)
async def stream(
    turn_id: Id,
    caller: CallerDep,
    turns: TurnsDep,
    *,
    is_head: IsHeadDep,
    last_event_id: LastEventId = None,
    after: Annotated[int | None, Query(ge=-1)] = None,
) -> Response:
    """Streams the events after one event: the past ones, then
    new ones, without loss or repetition.

    That event is given by `Last-Event-ID`, or by its number as `after`. After the last
    event the response is 204, which also stops an EventSource.
    """
    seq = next_seq(turn_id, last_event_id, after)
    turn = await turns.join(caller, str(turn_id))
    return head_response(EventStream.media_type) if is_head else await resume(turn, seq)


@router.post("/{turn_id}/stop")
async def stop(turn_id: Id, caller: CallerDep, turns: TurnsDep) -> Turn:
    """Stops generation, and so its cost; the partial answer is stored.

    Returns the turn when it has ended; after 15 s, as it is.
    """
    return await turns.stop(caller, str(turn_id))
