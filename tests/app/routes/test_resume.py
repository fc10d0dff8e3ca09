"""Valid and invalid event ids."""

import uuid

import pytest

from app.problems import InvalidRequest
from app.routes.resume import parse_event_id

TURN = uuid.UUID("7f0c2b1e-3f5a-4c63-9d55-3a1c2f9f1c11")
SPELLINGS = [str(TURN), str(TURN).upper(), TURN.hex, TURN.hex.upper(), f"{{{TURN}}}", TURN.urn, TURN.urn.upper()]
NO_UUIDS = [
    "",
    "x",
    "a:b",
    str(TURN)[:-1],
    f"{TURN}0",
    f" {TURN}",
    f"{{{TURN}",
    f"{TURN}}}",
    TURN.hex.replace("7", "\u0667"),
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_an_event_id_names_its_turn_and_number(spelling: str) -> None:
    assert parse_event_id(f"{spelling}:7") == (TURN, 7)


@pytest.mark.parametrize("event_id", ["7", *(f"{text}:7" for text in NO_UUIDS)])
def test_an_event_id_without_a_turn_is_refused(event_id: str) -> None:
    with pytest.raises(InvalidRequest, match="Last-Event-ID"):
        parse_event_id(event_id)


@pytest.mark.parametrize("seq", ["", "-1", "x", "³", "٣", "9" * 5000])
def test_an_event_id_without_a_number_is_refused(seq: str) -> None:
    with pytest.raises(InvalidRequest, match="Last-Event-ID"):
        parse_event_id(f"{TURN}:{seq}")
