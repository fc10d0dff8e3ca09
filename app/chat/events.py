"""Upstream event -> domain events -> SSE frame. Pure.

`Reducer.feed(event)` takes one decoded event of the Responses API's stream (OpenAI API reference, "Streaming
events") and returns what it means to a client: none, one or two events of `app.contract`, the last of them `End`.
Unknown types mean nothing. It raises a Problem where the model reports a failure, and UpstreamFailed where a known
event does not have its documented shape.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from app.chat import sse
from app.chat.faults import from_stream_error
from app.chat.record import Numbered
from app.contract import End, Event, Reasoning, Refusal, Source, Status, Text, Tool, Turn, Usage
from app.problems import UpstreamFailed
from app.store import TurnHead

Upstream = Mapping[str, Any]
RUNNING = End(status=Status.RUNNING)
TOOL_STATES = frozenset({"in_progress", "searching", "interpreting", "generating", "completed", "failed"})


class Reducer:
    """The state of one answer: whether text or a refusal has been seen, which decides what its end means."""

    def __init__(self) -> None:
        self._has_text = False
        self._has_refusal = False

    def feed(self, event: Upstream) -> list[Event]:
        kind = event.get("type")
        handle = HANDLERS.get(kind) if isinstance(kind, str) else None
        try:
            return handle(self, event) if handle else tool_state(str(kind))
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise UpstreamFailed from error

    def on_text(self, event: Upstream) -> list[Event]:
        self._has_text = True
        return [Text(delta=event["delta"])]

    def on_refusal(self, event: Upstream) -> list[Event]:
        self._has_refusal = True
        return [Refusal(delta=event["delta"])]

    def on_reasoning(self, event: Upstream) -> list[Event]:
        return [Reasoning(delta=event["delta"])]

    def on_annotation(self, event: Upstream) -> list[Event]:
        cited = event["annotation"]
        if cited["type"] != "url_citation":
            return []
        start, end = cited["start_index"], cited["end_index"]
        return [Source(url=cited["url"], title=cited.get("title") or "", start=start, end=end)]

    def on_completed(self, event: Upstream) -> list[Event]:
        response = event["response"]
        unseen = list(self._unseen(response))
        status = Status.REFUSED if self._has_refusal else Status.COMPLETED
        return [*unseen, End(status=status, usage=usage_of(response))]

    def on_incomplete(self, event: Upstream) -> list[Event]:
        response = event["response"]
        reason = (response.get("incomplete_details") or {}).get("reason")
        return [End(status=Status.INCOMPLETE, reason=reason, usage=usage_of(response))]

    def on_failed(self, event: Upstream) -> list[Event]:
        raise from_stream_error(event["response"].get("error"))

    def on_error(self, event: Upstream) -> list[Event]:
        """Flat ({type, code, message}) as documented, or nested ({error: {...}}) as some servers send it."""
        raise from_stream_error(event.get("error") or event)

    def _unseen(self, response: Upstream) -> Iterable[Event]:
        """Text or a refusal that came without deltas, only in the finished response."""
        parts = [part for item in response.get("output") or () for part in item.get("content") or ()]
        if not self._has_text:
            yield from (Text(delta=part["text"]) for part in parts if part["type"] == "output_text" and part["text"])
        if not self._has_refusal:
            refusals = [Refusal(delta=part["refusal"]) for part in parts if part["type"] == "refusal"]
            self._has_refusal = bool(refusals)
            yield from refusals


HANDLERS: Mapping[str, Callable[[Reducer, Upstream], list[Event]]] = {
    "response.output_text.delta": Reducer.on_text,
    "response.refusal.delta": Reducer.on_refusal,
    "response.reasoning_summary_text.delta": Reducer.on_reasoning,
    "response.reasoning_text.delta": Reducer.on_reasoning,
    "response.output_text.annotation.added": Reducer.on_annotation,
    "response.completed": Reducer.on_completed,
    "response.incomplete": Reducer.on_incomplete,
    "response.failed": Reducer.on_failed,
    "error": Reducer.on_error,
}


def tool_state(kind: str) -> list[Event]:
    """`response.web_search_call.searching` and its like; every other type means nothing to a client."""
    call, _, status = kind.removeprefix("response.").partition(".")
    if call.endswith("_call") and status in TOOL_STATES:
        return [Tool(name=call.removesuffix("_call"), status=status)]
    return []


def usage_of(response: Upstream) -> Usage | None:
    """The tokens that the response says it took; None where it says nothing."""
    usage = response.get("usage")
    if not usage:
        return None
    return Usage(
        input_tokens=usage.get("input_tokens"),
        cached_tokens=(usage.get("input_tokens_details") or {}).get("cached_tokens"),
        output_tokens=usage.get("output_tokens"),
        reasoning_tokens=(usage.get("output_tokens_details") or {}).get("reasoning_tokens"),
    )


def frame(turn_id: str, seq: int, event: Event) -> bytes:
    """The event as one SSE frame; `seq` counts a turn's events from 0 without a gap."""
    return sse.encode(event.model_dump_json(), event=event.event, event_id=f"{turn_id}:{seq}")


def collect(head: TurnHead, events: Iterable[Numbered]) -> Turn:
    """A turn's events so far as one answer; `running` where there is no `End` yet."""
    said: dict[type[Event], list[str]] = {Text: [], Reasoning: [], Refusal: []}
    sources: list[Source] = []
    end = RUNNING
    for _, event in events:
        match event:
            case Text() | Reasoning() | Refusal():
                said[type(event)].append(event.delta)
            case Source():
                sources.append(event)
            case End():
                end = event
    text, reasoning, refusal = ("".join(parts) for parts in said.values())
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
