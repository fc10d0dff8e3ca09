"""Where a stream resumes: `Last-Event-ID` (WHATWG HTML, section 9.2) or `?after=`.

An empty header counts as missing: some clients send one before their first event.
"""

from typing import Annotated
from uuid import UUID

from fastapi import Header

from app.contract import parse_uuid
from app.problems import InvalidRequest

MAX_DIGITS = 18  # of a sequence number; Python does not convert very long ones

# Not in the OpenAPI document, which cannot require that the header names the turn of
# the path.
LastEventId = Annotated[str | None, Header(include_in_schema=False)]


def parse_event_id(event_id: str) -> tuple[UUID, int]:
    """Returns the turn and the sequence number of an `id:` line.

    Raises InvalidRequest.
    """
    turn_id, _, seq = event_id.rpartition(":")
    try:
        turn = parse_uuid(turn_id)
    except ValueError:
        turn = None
    if turn is None or not (seq.isascii() and seq.isdecimal() and len(seq) <= MAX_DIGITS):
        raise InvalidRequest.of_field("Last-Event-ID", "must be an event id of a stream, <turn_id>:<seq>")
    return turn, int(seq)


def seq_of(turn_id: UUID, event_id: str) -> int:
    """Returns the sequence number of an event id.

    Raises InvalidRequest if it is of another turn.
    """
    named, seq = parse_event_id(event_id)
    if named != turn_id:
        raise InvalidRequest.of_field("Last-Event-ID", "belongs to another turn")
    return seq


def next_seq(turn_id: UUID, last_event_id: str | None, after: int | None) -> int:
    """Returns the first sequence number to send.

    The header, which a browser sends, has precedence.
    """
    if last_event_id:
        return seq_of(turn_id, last_event_id) + 1
    return 0 if after is None else after + 1
