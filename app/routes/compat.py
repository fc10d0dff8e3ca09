"""The tutorial's two routes, as it defines them, without their faults.

`GET /chat-complete?message=` -> `{"data": "..."}`. `GET /chat-stream?message=` -> `start` with `[START]`, the text in
unnamed events, `end` with `[END]`. An answer that is not complete must not look so: then the whole route adds
`status` and `reason`, and the data of `end` is the API's `end` event in JSON. A refusal's words are its text.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from app import sse
from app.chat.events import collect
from app.chat.turns import Caller, TurnHandle, Turns
from app.contract import ChatRequest, End, Event, Message, Refusal, Start, Status, Text, Turn
from app.routes.chat import read_all
from app.routes.dependencies import GetOwner, caller_of
from app.routes.head import head_of, is_head
from app.routes.problems import NOTHING_MORE, PROBLEM_RESPONSES, failure_of
from app.routes.resume import LastEventId, parse_event_id
from app.routes.streaming import EventStream


def tutorial_router(chat: Turns, identify: GetOwner) -> APIRouter:
    router = APIRouter(tags=["tutorial"], responses=PROBLEM_RESPONSES)
    Calling = Annotated[Caller, Depends(caller_of(identify))]  # noqa: N806 - a type

    @router.get("/chat-complete", response_model=dict[str, str])
    async def complete(
        message: Annotated[Message, Query()], caller: Calling, head: Annotated[bool, Depends(is_head)]
    ) -> dict[str, str] | Response:
        if head:
            return head_of("application/json")
        turn = await chat.begin(caller, ChatRequest(message=message))
        events = await read_all(turn)
        return failure_of(events) or tutorial_answer(collect(turn.head, events))

    @router.get("/chat-stream", response_class=EventStream, status_code=200, responses=NOTHING_MORE)
    async def stream(
        message: Annotated[Message, Query()],
        caller: Calling,
        head: Annotated[bool, Depends(is_head)],
        last_event_id: LastEventId = None,
    ) -> Response:
        """An EventSource that reconnects says where it was: it goes on there, and nothing is asked, or paid, again."""
        if head:
            return head_of("text/event-stream")
        if last_event_id:
            turn_id, seq = parse_event_id(last_event_id)
            turn, first = await chat.join(caller, str(turn_id)), seq + 1
            if await turn.ended_before(first):
                return Response(status_code=204)  # it is to leave it
        else:
            turn, first = await chat.begin(caller, ChatRequest(message=message)), 0
        return EventStream(frames(turn, first), until=turn.wait_stored, comment_first=not turn.has_begun)

    return router


def tutorial_answer(turn: Turn) -> dict[str, str]:
    """The tutorial's shape; with `status` and `reason` where the answer is not complete."""
    data = {"data": turn.text + turn.refusal}
    return data if turn.status is Status.COMPLETED else data | {"status": turn.status, "reason": turn.reason or ""}


async def frames(turn: TurnHandle, first: int) -> AsyncGenerator[bytes]:
    """The turn's events from number `first` on, as the tutorial's frames.

    It reads the event before the first as well: that event may end with the first half of a line break.
    """
    lines = LineBreaks()
    async with aclosing(turn.events(max(0, first - 1))) as events:
        async for number, event in events:
            framed = tutorial_frame(f"{turn.head.turn_id}:{number}", event, lines)
            if framed and number >= first:
                yield framed


class LineBreaks:
    """Makes each CR, LF and CRLF one LF, also if a CRLF is split over two deltas.

    The data of an event can hold no CR (WHATWG HTML, section 9.2), so a client that joins
    the data of all events would read a split CRLF as two line breaks.
    """

    def __init__(self) -> None:
        self._after_cr = False

    def unified(self, delta: str) -> str:
        """The delta with LF alone; empty if the delta is the second half of a line break."""
        rest = delta.removeprefix("\n") if self._after_cr else delta
        self._after_cr = delta.endswith("\r")
        return rest.replace("\r\n", "\n").replace("\r", "\n")


def tutorial_frame(event_id: str, event: Event, lines: LineBreaks) -> bytes | None:
    """None for an event that the tutorial does not know, or that has nothing to add."""
    match event:
        case Start():
            return sse.encode("[START]", event="start", event_id=event_id)
        case Text() | Refusal():
            text = lines.unified(event.delta)
            return sse.encode(text, event_id=event_id) if text else None
        case End(status=Status.COMPLETED):
            return sse.encode("[END]", event="end", event_id=event_id)
        case End():
            return sse.encode(event.model_dump_json(), event="end", event_id=event_id)
    return None
