"""Codes from upstream reach clients and the log in one safe form, or not at all."""

import pytest

from app.upstream.codes import code_of


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("max_output_tokens", "max_output_tokens"),
        ("MAX_TOKENS", "max_tokens"),
        ("a.b-c_9", "a.b-c_9"),
        (429, "429"),
        ("y" * 65, "y" * 64),
        ("x\n12:00:00 INFO forged", None),
        ("x\n", None),
        ("two words", None),
        ("grün", None),
        ("\ud83d", None),
        ("", None),
        (None, None),
        (True, None),
        (4.5, None),
        (10**80, None),
        (["x"], None),
        ({"code": "x"}, None),
    ],
)
def test_a_code_is_safe_or_none(value: object, code: str | None) -> None:
    assert code_of(value) == code
