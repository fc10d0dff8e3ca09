"""Events of the wire as SSE frames, and as one whole turn. Pure."""

from collections.abc import Iterable

from app import sse
from app.chat.lifecycle import RUNNING
from app.chat.log_format import Numbered
from app.contract import End, Event, Reasoning, Refusal, Source, Text, Turn
from app.store import TurnHead


def frame(turn_id: str, seq: int, event: Event) -> bytes:
    """Returns the event as one SSE frame; `seq` counts a
    turn's events from 0 without a gap.
    """
    return sse.encode(event.model_dump_json(), event=event.event, event_id=f"{turn_id}:{seq}")


def collect(head: TurnHead, events: Iterable[Numbered]) -> Turn:
    """Returns the turn of these events; `running` if there is no `End` yet."""
    parts: dict[type[Event], list[str]] = {Text: [], Reasoning: [], Refusal: []}
    sources: list[Source] = []
    end = RUNNING
    for _, event in events:
        match event:
            case Text() | Reasoning() | Refusal():
                parts[type(event)].append(event.delta)
            case Source():
                sources.append(event)
            case End():
                end = event
    text, reasoning, refusal = ("".join(deltas) for deltas in parts.values())
    return Turn(
        turn_id=head.turn_id,
        conversation_id=head.conversation_id,
        parent_turn_id=head.parent_turn_id,
        created_at=head.created_at,
        model=head.model,
        message=head.message,
        text=text,
        reasoning=reasoning,
        refusal=refusal,
        sources=sources,
        **dict(end),
    )
