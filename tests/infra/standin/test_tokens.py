from hypothesis import given
from hypothesis.strategies import text

from infra.standin.tokens import tokens


@given(text())
def test_the_pieces_join_to_the_text(whole: str) -> None:
    assert "".join(tokens(whole)) == whole


def test_a_word_keeps_the_space_before_it() -> None:
    assert tokens("To be, or") == ["To", " be", ",", " or"]


def test_a_long_word_comes_in_several_pieces() -> None:
    assert tokens("extraordinary") == ["extraord", "inary"]


def test_signs_come_together() -> None:
    assert tokens("**a** |---|") == ["**", "a", "**", " ", "|---", "|"]


def test_characters_beyond_ascii_come_one_by_one() -> None:
    assert tokens("水 é") == ["水", " ", "é"]
