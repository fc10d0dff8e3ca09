"""The Response object and the events of a stream (OpenAI API reference, "Responses").

Pure.

Events have no `sequence_number`: the code that makes a stream of them adds it.
"""

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import JsonValue

from infra.standin.contract import CreateRequest, JsonObject
from infra.standin.tokens import tokens

Status = Literal["in_progress", "completed", "incomplete", "failed"]

DELTA = "response.output_text.delta"
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})


@dataclass(frozen=True, slots=True)
class Answer:
    """One response to `request`: what its objects and events have in common."""

    request: CreateRequest
    response_id: str
    item_id: str
    created_at: int

    @classmethod
    def to(cls, request: CreateRequest) -> Self:
        """Returns an answer with new ids, created now."""
        return cls(request, f"resp_{secrets.token_hex(24)}", f"msg_{secrets.token_hex(24)}", int(time.time()))

    def response(self, status: Status, text: str = "") -> JsonObject:
        """Returns the Response object; in progress it has neither output nor usage."""
        done = status != "in_progress"
        return {
            "id": self.response_id,
            "object": "response",
            "created_at": self.created_at,
            "status": status,
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
            **self.request.model_dump(exclude={"input", "stream"}),
            "output": [self.message(status, [_part(text)])] if done else [],
            "usage": self.usage(text) if done else None,
        }

    def message(self, status: Status, content: list[JsonObject]) -> JsonObject:
        """Returns the one output item: the assistant's message."""
        return {
            "id": self.item_id,
            "type": "message",
            "status": "incomplete" if status == "failed" else status,
            "role": "assistant",
            "content": [*content],
        }

    def usage(self, text: str) -> JsonObject:
        """Returns the tokens of the request and of `text`, as counted by `tokens`."""
        read = len(tokens(self.request.prompt)) + len(tokens(self.request.instructions or ""))
        written = len(tokens(text))
        return {
            "input_tokens": read,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": written,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": read + written,
        }

    def created(self) -> JsonObject:
        return {"type": "response.created", "response": self.response("in_progress")}

    def opening(self) -> list[JsonObject]:
        """Returns the events before the first delta."""
        added = self.message("in_progress", [])
        return [
            self.created(),
            {"type": "response.in_progress", "response": self.response("in_progress")},
            {"type": "response.output_item.added", "output_index": 0, "item": added},
            self._of_part("response.content_part.added", part=_part("")),
        ]

    def delta(self, text: str) -> JsonObject:
        return self._of_part(DELTA, delta=text, logprobs=[])

    def closing(self, status: Status, text: str) -> list[JsonObject]:
        """Returns the events after the last delta, up to `response.completed` or
        `response.incomplete`.
        """
        done = self.message(status, [_part(text)])
        return [
            self._of_part("response.output_text.done", text=text, logprobs=[]),
            self._of_part("response.content_part.done", part=_part(text)),
            {"type": "response.output_item.done", "output_index": 0, "item": done},
            {"type": f"response.{status}", "response": self.response(status, text)},
        ]

    def whole(self, events: Iterable[JsonObject]) -> JsonObject:
        """Returns the Response of these events, for a request that does not stream."""
        events = list(events)
        ends = [event["response"] for event in events if event.get("type") in _ENDS]
        end = ends[-1] if ends else None
        return self.response("completed", text_of(events)) | (end if isinstance(end, dict) else {})

    def _of_part(self, kind: str, **fields: JsonValue) -> JsonObject:
        """Returns an event of the one content part of the one output item."""
        event: JsonObject = {"type": kind, "item_id": self.item_id, "output_index": 0, "content_index": 0}
        return event | fields


def text_of(events: Iterable[JsonObject]) -> str:
    """Returns the joined text of the deltas."""
    deltas = (event.get("delta") for event in events if event.get("type") == DELTA)
    return "".join(delta for delta in deltas if isinstance(delta, str))


def _part(text: str) -> JsonObject:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
