"""What is stored of a request: its title; and whether
another request is the same again.
"""

import uuid
from dataclasses import replace

import pytest

from app.chat.question import TITLE_CHARS, is_same, new_head, title_of
from app.contract import ChatRequest
from app.settings import Settings

ASKED = ChatRequest(message="Hello?")


@pytest.mark.parametrize(
    ("message", "title"),
    [
        ("  Hello,\n\tworld  ", "Hello, world"),
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 79 + "…"),
        ("我" * 200, "我" * 79 + "…"),
        ("https://example.org/" + "a" * 200, "https://example.org/" + "a" * 59 + "…"),
        ("See https://example.org/" + "a" * 200, "See https://example.org/" + "a" * 55 + "…"),
        ("请解释 " + "量" * 200, "请解释 " + "量" * 75 + "…"),
        ("word " * 40, ("word " * 16).strip() + "…"),
        ("a" * 79 + " b" * 20, "a" * 79 + "…"),
        ("a" * 78 + " " + "b" * 20, "a" * 78 + "…"),
        ("\N{ROWBOAT}" * 200, "\N{ROWBOAT}" * 79 + "…"),
    ],
)
def test_a_title_is_the_first_words_or_characters(message: str, title: str) -> None:
    assert title_of(message) == title
    assert len(title) <= TITLE_CHARS


HEAD = new_head(ASKED, Settings(_env_file=None), owner="me", turn_id="t", now=0)


def test_retry_is_same_after_default_model_changed() -> None:
    assert is_same(ASKED, HEAD)
    assert is_same(ASKED, replace(HEAD, model="an older default"))


@pytest.mark.parametrize(
    "difference",
    [
        {"message": "Bye"},
        {"model": "other"},
        {"instructions": "Be brief."},
        {"parent_turn_id": uuid.uuid4()},
        {"conversation_id": uuid.uuid4()},
    ],
)
def test_a_request_that_differs_is_not_the_same(difference: dict[str, object]) -> None:
    assert not is_same(ASKED.model_copy(update=difference), HEAD)
