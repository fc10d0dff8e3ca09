"""Where a stream goes on: `Last-Event-ID` (WHATWG HTML, section 9.2) or `?after=`, both by sequence number.

A header without a value is none: some clients send one before their first event.
"""

from typing import Annotated
from uuid import UUID

from fastapi import Header

from app.contract import parse_uuid
from app.problems import InvalidRequest

MAX_DIGITS = 18  # of a sequence number; Python converts no endless ones


# not in the OpenAPI document: that cannot say that the header must name the path's or the body's turn
LastEventId = Annotated[str | None, Header(include_in_schema=False)]


def parse_event_id(event_id: str) -> tuple[UUID, int]:
    """The turn and the sequence number of an `id:` line. Raises InvalidRequest."""
    turn_id, _, seq = event_id.rpartition(":")
    try:
        turn = parse_uuid(turn_id)
    except ValueError:
        turn = None
    if turn is None or not (seq.isascii() and seq.isdecimal() and len(seq) <= MAX_DIGITS):
        raise InvalidRequest.of_field("Last-Event-ID", "must be an event id of a stream, <turn_id>:<seq>")
    return turn, int(seq)


def seq_of(turn_id: UUID, event_id: str) -> int:
    """The sequence number in an event id of this turn. Raises InvalidRequest if it is of another."""
    named, seq = parse_event_id(event_id)
    if named != turn_id:
        raise InvalidRequest.of_field("Last-Event-ID", "belongs to another turn")
    return seq


def next_seq(turn_id: UUID, last_event_id: str | None, after: int | None) -> int:
    """The first sequence number to send; a header, which a browser sends by itself, comes before the query."""
    if last_event_id:
        return seq_of(turn_id, last_event_id) + 1
    return 0 if after is None else after + 1
