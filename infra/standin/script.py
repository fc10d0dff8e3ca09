"""Pure: from the steps of a play to the script of one performance.

In: steps, the answer that they are part of, and how often each status has been asked for. Out: steps of which those
that speak are `Event`, `Raw` or `Base64` only, and a `Status` can only be the last.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from infra.standin.contract import JsonObject
from infra.standin.plays import Completed, Created, Event, Status, Step, Text
from infra.standin.responses import Answer, text_of


def due(steps: Iterable[Step], nth: Callable[[int], int]) -> Iterator[Step]:
    """`steps` without the statuses that have been given often enough, and up to the first that has not.

    `nth` counts: called with the index of a status that repeats, it says how often that has come up, now included.
    """
    for index, step in enumerate(steps):
        if not isinstance(step, Status):
            yield step
        elif step.times is None or nth(index) <= step.times:
            yield step
            return


def written_out(steps: Iterable[Step], answer: Answer) -> Iterator[Step]:
    """`steps` with each short form replaced by the event that it is short for, numbered as a stream is."""
    events: list[JsonObject] = []
    for step in steps:
        full = step
        if isinstance(step, Text | Created | Completed):
            full = Event(event=_event(step, answer, events) | {"sequence_number": len(events)})
        if isinstance(full, Event):
            events.append(full.event)
        yield full


def _event(step: Text | Created | Completed, answer: Answer, before: list[JsonObject]) -> JsonObject:
    match step:
        case Text():
            return answer.delta(step.text)
        case Created():
            return _telling(answer.response("in_progress"), "response.created", step.created)
        case Completed():
            return _telling(answer.response("completed", text_of(before)), "response.completed", step.completed)


def _telling(response: JsonObject, kind: str, overrides: Literal[True] | JsonObject) -> JsonObject:
    return {"type": kind, "response": response | ({} if overrides is True else overrides)}
