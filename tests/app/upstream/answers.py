"""Answers of servers, event by event, and the results of
decoder and reducer for their bytes.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.contract import End, Event, Reasoning, Refusal, Source, Text, Tool
from app.problems import Problem, UpstreamFailed
from app.sse import Decoder
from app.upstream.reducer import Reducer
from app.upstream.stream import decode

Json = dict[str, Any]
Step = Json | str
ONE = {"output_index": 0, "content_index": 0}


def of_type(kind: str, **fields: Any) -> Json:
    return {"type": kind, **fields}


def delta(text: object, *, kind: str = "output_text", **where: Any) -> Json:
    return of_type(f"response.{kind}.delta", delta=text, **(where or ONE))


def done(text: object, *, kind: str = "output_text", **where: Any) -> Json:
    return of_type(f"response.{kind}.done", **{"refusal" if kind == "refusal" else "text": text}, **(where or ONE))


def at(index: object, **fields: object) -> Json:
    """Returns the place of the first part of the item at this index."""
    return {"output_index": index, "content_index": 0, **fields}


def summary(text: str, number: int = 0) -> Json:
    return delta(text, kind="reasoning_summary_text", output_index=0, summary_index=number)


def text_part(text: object, *annotations: object) -> Json:
    return {"type": "output_text", "text": text, "annotations": list(annotations)}


def refusal_part(text: object) -> Json:
    return {"type": "refusal", "refusal": text}


def part_done(part: object, *, kind: str = "content", **where: Any) -> Json:
    return of_type(f"response.{kind}_part.done", part=part, **(where or ONE))


def message(*parts: object, **fields: Any) -> Json:
    return {"type": "message", "role": "assistant", "content": list(parts), **fields}


def reasoning(*summary: str, content: Iterable[str] = ()) -> Json:
    return {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": text} for text in summary],
        "content": [{"type": "reasoning_text", "text": text} for text in content],
    }


def item_done(item: object, **where: Any) -> Json:
    return of_type("response.output_item.done", item=item, **(where or {"output_index": 0}))


def added(item: object, **where: Any) -> Json:
    return of_type("response.output_item.added", item=item, **where)


def cited(annotation: object, **where: Any) -> Json:
    return of_type("response.output_text.annotation.added", annotation=annotation, **(where or ONE))


def citation(start: object, end: object, url: object = "https://a.example", title: object = "A") -> Json:
    return {"type": "url_citation", "url": url, "title": title, "start_index": start, "end_index": end}


def final(*output: object, event: str = "completed", **response: Any) -> Json:
    return of_type(f"response.{event}", response={"output": list(output), **response})


@dataclass
class Heard:
    """An answer as a client gets it.

    `end` may be a Problem, or None if the stream has no end.
    """

    events: list[Event] = field(default_factory=list)
    end: End | None = None
    problem: type[Problem] | None = None

    def said(self, kind: type[Text | Reasoning | Refusal]) -> str:
        return "".join(event.delta for event in self.events if isinstance(event, kind))

    @property
    def text(self) -> str:
        return self.said(Text)

    @property
    def refusal(self) -> str:
        return self.said(Refusal)

    @property
    def reasoning(self) -> str:
        return self.said(Reasoning)

    @property
    def sources(self) -> list[tuple[int, int]]:
        return [(event.start, event.end) for event in self.events if isinstance(event, Source)]

    @property
    def tools(self) -> list[Tool]:
        return [event for event in self.events if isinstance(event, Tool)]


def encode(steps: Iterable[Step | Mapping[str, Any]]) -> bytes:
    """Returns the steps as a stream; a text is sent as it is."""
    return b"".join(
        step.encode() if isinstance(step, str) else b"data: " + json.dumps(step).encode() + b"\n\n" for step in steps
    )


def hear(chunks: Iterable[bytes]) -> Heard:
    """Returns the result of a stream in these chunks.

    Each event must be valid UTF-8.
    """
    decoder, reducer, heard = Decoder(), Reducer(), Heard()
    try:
        upstream = (decode(frame) for chunk in chunks for frame in decoder.feed(chunk))
        for event in (said for decoded in upstream if decoded for said in reducer.feed(decoded)):
            event.model_dump_json().encode()
            if isinstance(event, End):
                heard.end = event
                return heard
            heard.events.append(event)
        heard.events += reducer.finish()
    except Problem as problem:
        heard.problem = type(problem)
    except ValueError:
        heard.problem = UpstreamFailed
    return heard


def answer(*steps: Step) -> Heard:
    """Returns the result of these steps, which must be
    equal for every cut of the bytes.
    """
    body = encode(steps)
    whole = hear([body])
    assert hear(body[at : at + 1] for at in range(len(body))) == whole
    for cut in range(0, len(body), max(1, len(body) // 50)):
        assert hear([body[:cut], body[cut:]]) == whole
    return whole
