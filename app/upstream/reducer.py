"""Upstream events -> events of the wire. Pure.

`Reducer.feed(event)` takes one decoded event of the Responses API's stream (OpenAI API
reference, "Streaming events") and yields events of the wire, `End` last. Unknown types
yield nothing, and invalid data beside the text is left out. Iterating raises a Problem
if upstream reports a failure, after the events before it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from app.contract import End, Event, Status, Tool, Usage
from app.upstream.codes import code_of
from app.upstream.errors import from_stream_error
from app.upstream.items import Ref
from app.upstream.outputs import Voice, piece_of_part
from app.upstream.transcript import Transcript, number_of

Upstream = Mapping[str, Any]
TOOL_STATES = frozenset({"in_progress", "searching", "interpreting", "generating", "completed", "failed"})


class Reducer:
    """The state of one answer."""

    def __init__(self) -> None:
        self._transcript = Transcript()

    def feed(self, event: Upstream) -> Iterable[Event]:
        kind = event.get("type")
        delta = DELTAS.get(kind) if isinstance(kind, str) else None
        if delta:
            return self._transcript.say(delta[0], event, delta[1])
        handle = HANDLERS.get(kind) if isinstance(kind, str) else None
        return handle(self, event) if handle else tool_state(kind)

    def finish(self) -> list[Event]:
        """Yields the rest of the text if the stream stops without an end."""
        return self._transcript.finish()

    def on_announced(self, event: Upstream) -> Iterable[Event]:
        self._transcript.announce(item_ref(event))
        return []

    def on_annotation(self, event: Upstream) -> Iterable[Event]:
        number = number_of("content_index", event.get("content_index"))
        return self._transcript.cite(part_ref(event), number, event.get("annotation"))

    def on_text_done(self, event: Upstream) -> Iterable[Event]:
        """Handles an event that has the whole text in itself, as a part has."""
        voice, counter = DELTAS[event["type"].removesuffix("done") + "delta"]
        return self._on_piece(event, counter, event, voice)

    def on_part_done(self, event: Upstream) -> Iterable[Event]:
        return self._on_piece(event, "content_index", event.get("part"))

    def on_summary_part_done(self, event: Upstream) -> Iterable[Event]:
        return self._on_piece(event, "summary_index", event.get("part"), Voice.REASONING)

    def _on_piece(self, event: Upstream, counter: str, part: object, voice: Voice | None = None) -> Iterable[Event]:
        piece = piece_of_part(part, number_of(counter, event.get(counter)), voice)
        return self._transcript.repeat_part(event["type"], part_ref(event), piece) if piece else []

    def on_item_done(self, event: Upstream) -> Iterable[Event]:
        return self._transcript.repeat_item(item_ref(event), event.get("item"))

    def on_end(self, event: Upstream) -> Iterator[Event]:
        """Handles the end: the response's status decides, or
        the event's type if it has none.
        """
        response = event.get("response")
        response = response if isinstance(response, Mapping) else {}
        yield from self._transcript.repeat_response(response)
        yield from self._transcript.finish()
        status = response.get("status")
        status = status if status in ("completed", "incomplete", "failed", "cancelled") else END_EVENTS[event["type"]]
        if status == "failed":
            raise from_stream_error(response.get("error") or event.get("error"))
        yield self._end(status, response)

    def on_error(self, event: Upstream) -> Iterator[Event]:
        """Handles an error: flat ({type, code, message}) as
        documented, or nested ({error: {...}}).
        """
        yield from self._transcript.finish()
        raise from_stream_error(event.get("error") or event)

    def _end(self, status: str, response: Upstream) -> End:
        usage = usage_of(response)
        if status != "completed":
            return End(status=Status.INCOMPLETE, reason=incomplete_reason(response, status), usage=usage)
        if self._transcript.has(Voice.REFUSAL):
            return End(status=Status.REFUSED, usage=usage)
        return End(status=Status.COMPLETED, reason=None if self._transcript.has(Voice.TEXT) else EMPTY, usage=usage)


EMPTY = "empty"  # the reason of a completed answer without text
DELTAS: Mapping[str, tuple[Voice, str]] = {
    "response.output_text.delta": (Voice.TEXT, "content_index"),
    "response.refusal.delta": (Voice.REFUSAL, "content_index"),
    "response.reasoning_text.delta": (Voice.REASONING, "content_index"),
    "response.reasoning_summary_text.delta": (Voice.REASONING, "summary_index"),
}
END_EVENTS: Mapping[str, str] = {
    "response.completed": "completed",
    "response.done": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
    "response.cancelled": "cancelled",
}
HANDLERS: Mapping[str, Callable[[Reducer, Upstream], Iterable[Event]]] = {
    "response.output_item.added": Reducer.on_announced,
    "response.output_text.annotation.added": Reducer.on_annotation,
    "response.output_text_annotation.added": Reducer.on_annotation,  # its name in the API's first months
    "response.output_text.done": Reducer.on_text_done,
    "response.refusal.done": Reducer.on_text_done,
    "response.reasoning_text.done": Reducer.on_text_done,
    "response.reasoning_summary_text.done": Reducer.on_text_done,
    "response.content_part.done": Reducer.on_part_done,
    "response.reasoning_part.done": Reducer.on_part_done,
    "response.reasoning_summary_part.done": Reducer.on_summary_part_done,
    "response.output_item.done": Reducer.on_item_done,
    **dict.fromkeys(END_EVENTS, Reducer.on_end),
    "error": Reducer.on_error,
}


def part_ref(event: Upstream) -> Ref:
    """Returns the item of an event about a part."""
    return Ref.of(event.get("output_index"), event.get("item_id"))


def item_ref(event: Upstream) -> Ref:
    """Returns the item of an event about an item."""
    item = event.get("item")
    return Ref.of(event.get("output_index"), item.get("id") if isinstance(item, Mapping) else None)


def tool_state(kind: object) -> list[Event]:
    """Yields the state of a tool, like
    `response.web_search_call.searching`; nothing for other types.
    """
    if not isinstance(kind, str):
        return []
    call, _, status = kind.removeprefix("response.").partition(".")
    name = code_of(call.removesuffix("_call")) if call.endswith("_call") else None
    return [Tool(name=name, status=status)] if name and status in TOOL_STATES else []


def incomplete_reason(response: Upstream, status: str) -> str | None:
    details = response.get("incomplete_details")
    reason = code_of(details.get("reason")) if isinstance(details, Mapping) else None
    return status if reason is None and status == "cancelled" else reason


def usage_of(response: Upstream) -> Usage | None:
    """Returns the response's tokens; None for what is missing or cannot be right."""
    usage = response.get("usage")
    if not isinstance(usage, Mapping):
        return None
    known = Usage(
        input_tokens=usage.get("input_tokens"),
        cached_tokens=_detail(usage, "input_tokens_details", "cached_tokens"),
        output_tokens=usage.get("output_tokens"),
        reasoning_tokens=_detail(usage, "output_tokens_details", "reasoning_tokens"),
    )
    is_odd = any(usage.get(name) != getattr(known, name) for name in ("input_tokens", "output_tokens"))
    return None if is_odd or known == Usage() else known


def _detail(usage: Upstream, field: str, name: str) -> Any:  # noqa: ANN401 - JSON
    details = usage.get(field)
    return details.get(name) if isinstance(details, Mapping) else None
