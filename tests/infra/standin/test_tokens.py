from hypothesis import given
from hypothesis.strategies import text

from infra.standin.tokens import tokens


@given(text())
def test_tokens_join_to_text(whole: str) -> None:
    assert "".join(tokens(whole)) == whole


def test_word_keeps_leading_space() -> None:
    assert tokens("To be, or") == ["To", " be", ",", " or"]


def test_long_word_is_several_tokens() -> None:
    assert tokens("extraordinary") == ["extraord", "inary"]


def test_punctuation_is_one_token() -> None:
    assert tokens("**a** |---|") == ["**", "a", "**", " ", "|---", "|"]


def test_non_ascii_characters_are_single_tokens() -> None:
    assert tokens("水 é") == ["水", " ", "é"]
