"""Where a stream goes on: event ids that are some, and that are none."""

import pytest

from app.problems import InvalidRequest
from app.routes.resume import parse_event_id


def test_an_event_id_names_its_turn_and_its_number() -> None:
    assert parse_event_id("a:b:7") == ("a:b", 7)


@pytest.mark.parametrize("event_id", ["", "7", ":7", "a:", "a:-1", "a:x", "a:³", "a:٣", "a:" + "9" * 5000])
def test_what_is_no_event_id_is_refused(event_id: str) -> None:
    with pytest.raises(InvalidRequest, match="Last-Event-ID"):
        parse_event_id(event_id)
