"""Every event of the registry is replayed from the log of every store."""

from typing import Annotated, Any, get_args, get_origin

import pytest
from pydantic.fields import FieldInfo

from app.chat import log_format
from app.contract import EVENTS, Event, Status, Wire
from app.store import Batch, Store
from tests.app.store.makers import Clock, a_turn

SAMPLES: dict[Any, Any] = {
    str: "a\u00e9\U0001f30a\n",
    int: 7,
    float: 0.5,
    bool: True,
    Status: Status.FAILED,
}


def sample(kind: type[Wire]) -> Any:
    """Returns an event with a value in each of its fields, optional ones included."""
    return kind(**{name: value_of(field) for name, field in kind.model_fields.items()})


def value_of(field: FieldInfo) -> Any:
    return value_of_kind(field.annotation)


def value_of_kind(kind: Any) -> Any:
    if kind in SAMPLES:
        return SAMPLES[kind]
    if get_origin(kind) is Annotated:
        return value_of_kind(get_args(kind)[0])
    if get_origin(kind) is list:
        return [value_of_kind(get_args(kind)[0])]
    if arguments := get_args(kind):  # a union with None
        return value_of_kind(arguments[0])
    return sample(kind)


@pytest.mark.parametrize("kind", EVENTS.values(), ids=EVENTS)
async def test_log_replays_event_type(store: Store, clock: Clock, owner: str, kind: type[Event]) -> None:
    turn = await store.create(a_turn(clock, owner), "title")
    event = sample(kind)
    data = log_format.encode(3, [event])
    await store.append(turn, Batch(0, data, turn.producer, clock.now))
    (batch,) = await store.batches(turn)
    assert log_format.decode(batch.data) == [(3, event)]
