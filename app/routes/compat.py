"""The two routes of the tutorial, as it defines them, without their faults.

`GET /chat-complete?message=` returns `{"data": "..."}`. `GET /chat-stream?message=`
streams `start` with `[START]`, the text in unnamed events, and `end` with `[END]`. If
the answer is not complete, the whole answer also has `status` and `reason`, and the
data of `end` is the API's `end` event in JSON. The text of a refusal counts as text.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from app import sse
from app.chat.turn_handle import TurnHandle
from app.contract import ChatRequest, End, Event, Message, Refusal, Start, Status, Text, Turn
from app.routes.dependencies import CallerDep, IsHeadDep, TurnsDep, head_response
from app.routes.problems import PROBLEM_RESPONSES, STREAM_RESPONSES, failure_response
from app.routes.resume import LastEventId, parse_event_id
from app.routes.streaming import EventStream, resume, stream_turn

router = APIRouter(tags=["tutorial"], responses=PROBLEM_RESPONSES)


@router.get("/chat-complete", response_model=dict[str, str])
async def complete(
    message: Annotated[Message, Query()], caller: CallerDep, turns: TurnsDep, is_head: IsHeadDep
) -> dict[str, str] | Response:
    """Returns the whole answer as `{"data": "..."}`."""
    if is_head:
        return head_response("application/json")
    handle = await turns.begin(caller, ChatRequest(message=message))
    turn = await handle.result()
    return failure_response(turn) or to_answer(turn)


@router.get("/chat-stream", response_class=EventStream, status_code=200, responses=STREAM_RESPONSES)
async def stream(
    message: Annotated[Message, Query()],
    caller: CallerDep,
    turns: TurnsDep,
    is_head: IsHeadDep,
    last_event_id: LastEventId = None,
) -> Response:
    """Streams the answer.

    With `Last-Event-ID` it resumes, and nothing is asked again.
    """
    if is_head:
        return head_response(EventStream.media_type)
    if last_event_id:
        turn_id, seq = parse_event_id(last_event_id)
        turn = await turns.join(caller, str(turn_id))
        return await resume(turn, seq + 1, to_frames(turn, seq + 1))
    turn = await turns.begin(caller, ChatRequest(message=message))
    return stream_turn(turn, to_frames(turn, 0))


def to_answer(turn: Turn) -> dict[str, str]:
    """Returns the tutorial's shape, with `status` and
    `reason` if the answer is not complete.
    """
    data = {"data": turn.text + turn.refusal}
    return data if turn.status is Status.COMPLETED else data | {"status": turn.status, "reason": turn.reason or ""}


async def to_frames(turn: TurnHandle, first: int) -> AsyncGenerator[bytes]:
    """Yields the turn's events from number `first` on, as the tutorial's frames.

    It reads the event before the first as well: that event may end with the first half
    of a line break.
    """
    lines = LineBreaks()
    async with aclosing(turn.events(max(0, first - 1))) as events:
        async for number, event in events:
            framed = to_frame(f"{turn.head.turn_id}:{number}", event, lines)
            if framed and number >= first:
                yield framed


class LineBreaks:
    """Makes each CR, LF and CRLF one LF, also if a CRLF is split over two deltas.

    The data of an event can hold no CR (WHATWG HTML, section 9.2), so a client that
    joins the data of all events would read a split CRLF as two line breaks.
    """

    def __init__(self) -> None:
        self._after_cr = False

    def unify(self, delta: str) -> str:
        """Returns the delta with LF only; empty if it is the
        second half of a line break.
        """
        rest = delta.removeprefix("\n") if self._after_cr else delta
        self._after_cr = delta.endswith("\r")
        return rest.replace("\r\n", "\n").replace("\r", "\n")


def to_frame(event_id: str, event: Event, lines: LineBreaks) -> bytes | None:
    """Returns the tutorial's frame; None for an event without one."""
    match event:
        case Start():
            return sse.encode("[START]", event="start", event_id=event_id)
        case Text() | Refusal():
            text = lines.unify(event.delta)
            return sse.encode(text, event_id=event_id) if text else None
        case End(status=Status.COMPLETED):
            return sse.encode("[END]", event="end", event_id=event_id)
        case End():
            return sse.encode(event.model_dump_json(), event="end", event_id=event_id)
    return None
