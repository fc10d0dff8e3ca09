"""A turn by its id: as it is, as a stream from wherever one likes, and stopped."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from app.chat.turns import Caller, Turns
from app.contract import Id, Turn
from app.routes.chat import resumed
from app.routes.dependencies import GetOwner, caller_of
from app.routes.head import head_of, is_head
from app.routes.problems import NOTHING_MORE, PROBLEM_RESPONSES
from app.routes.resume import LastEventId, next_seq
from app.routes.streaming import EventStream


def turns_router(chat: Turns, identify: GetOwner) -> APIRouter:
    router = APIRouter(prefix="/api/turns", tags=["turns"], responses=PROBLEM_RESPONSES)
    Calling = Annotated[Caller, Depends(caller_of(identify))]  # noqa: N806 - a type

    @router.get("/{turn_id}")
    async def read(turn_id: Id, caller: Calling) -> Turn:
        """The turn as it is now; `running` where it has no end yet."""
        return await chat.read(caller, str(turn_id))

    @router.get("/{turn_id}/stream", response_class=EventStream, status_code=200, responses=NOTHING_MORE)
    async def stream(
        turn_id: Id,
        caller: Calling,
        head: Annotated[bool, Depends(is_head)],
        last_event_id: LastEventId = None,
        after: Annotated[int | None, Query(ge=-1)] = None,
    ) -> Response:
        """What came after an event, then what comes: joined without loss or repetition, on whatever process it runs.

        The event is that of `Last-Event-ID`, or number `after`. After the last event there is nothing more: 204, which
        stops an EventSource as well.
        """
        seq = next_seq(turn_id, last_event_id, after)
        turn = await chat.join(caller, str(turn_id))
        return await resumed(turn, seq) if not head else head_of("text/event-stream")

    @router.post("/{turn_id}/stop")
    async def stop(turn_id: Id, caller: Calling) -> Turn:
        """Ends the answer, and the spending; what has come is kept. Returns the turn when it has ended, or after
        15 s as it is.
        """
        return await chat.stop(caller, str(turn_id))

    return router
