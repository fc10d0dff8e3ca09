"""The steps of a script for one request. Pure.

In the result, output steps are `Event`, `Raw` or `Base64` only, and a `Status` is the
last.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from infra.standin.contract import JsonObject
from infra.standin.language import Completed, Created, Event, Status, Step, Text
from infra.standin.responses import Answer, text_of


def pending_steps(steps: Iterable[Step], count: Callable[[int], int]) -> Iterator[Step]:
    """Yields the steps without used-up statuses, up to the first status that is left.

    `count` returns how often the status with this index was reached, including this
    time.
    """
    for index, step in enumerate(steps):
        if not isinstance(step, Status):
            yield step
        elif step.times is None or count(index) <= step.times:
            yield step
            return


def expand(steps: Iterable[Step], answer: Answer) -> Iterator[Step]:
    """Yields the steps with short forms replaced by their events, which are
    numbered.
    """
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
            return _with_response(answer.response("in_progress"), "response.created", step.created)
        case Completed():
            return _with_response(answer.response("completed", text_of(before)), "response.completed", step.completed)


def _with_response(response: JsonObject, kind: str, overrides: Literal[True] | JsonObject) -> JsonObject:
    return {"type": kind, "response": response | ({} if overrides is True else overrides)}
