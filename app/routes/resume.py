"""Where a stream goes on: `Last-Event-ID` (WHATWG HTML, section 9.2) or `?after=`, both by sequence number."""

from app.problems import InvalidRequest

MAX_DIGITS = 18  # of a sequence number; Python converts no endless ones


def parse_event_id(event_id: str) -> tuple[str, int]:
    """The turn and the sequence number of an `id:` line. Raises InvalidRequest."""
    turn_id, _, seq = event_id.rpartition(":")
    if not turn_id or not (seq.isascii() and seq.isdecimal() and len(seq) <= MAX_DIGITS):
        raise InvalidRequest.of_field("Last-Event-ID", "must be an event id of a stream, <turn_id>:<seq>")
    return turn_id, int(seq)


def next_seq(turn_id: str, last_event_id: str | None, after: int | None) -> int:
    """The first sequence number to send; a header, which a browser sends by itself, comes before the query."""
    if last_event_id is None:
        return 0 if after is None else after + 1
    named, seq = parse_event_id(last_event_id)
    if named != turn_id:
        raise InvalidRequest.of_field("Last-Event-ID", "belongs to another turn")
    return seq + 1
