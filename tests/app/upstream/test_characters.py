"""Half surrogates, bytes that are not UTF-8 and control characters."""

import pytest

from tests.app.upstream.answers import (
    Step,
    answer,
    at,
    citation,
    cited,
    delta,
    done,
    final,
    hear,
    message,
    of_type,
    text_part,
)

HALVES: dict[str, tuple[list[Step], str]] = {
    "joined": ([delta("Hi \ud83d"), delta("\ude00!")], "Hi 😀!"),
    "alone in each delta": ([delta("\ud83d"), delta("\ude00")], "😀"),
    "nothing between": ([delta("\ud83d"), delta(""), delta(None), of_type("keepalive"), delta("\ude00")], "😀"),
    "reasoning between": ([delta("\ud83d"), delta("x", kind="reasoning_text"), delta("\ude00")], "😀"),
    "a citation between": ([delta("\ud83d"), cited(citation(0, 1)), delta("\ude00")], "😀"),
    "in one delta": ([delta("\ud83d\ude00")], "😀"),
    "the second missing": ([delta("a\ud83d"), delta("b")], "a\ufffdb"),
    "the first missing": ([delta("a"), delta("\ude00b")], "a\ufffdb"),
    "in the wrong order": ([delta("\ude00"), delta("\ud83d")], "\ufffd\ufffd"),
    "two firsts": ([delta("\ud83d"), delta("\ud83d"), delta("\ude00")], "\ufffd😀"),
    "last before the end": ([delta("a\ud83d")], "a\ufffd"),
    "last before done": ([delta("a\ud83d"), done("a"), delta("b")], "a\ufffd\n\nb"),
    "last before another item": ([delta("a\ud83d", **at(0)), delta("b", **at(1))], "a\ufffd\n\nb"),
    "last, whole in done": ([delta("a\ud83d"), done("a😀b")], "a😀b"),
    "last, whole in final": ([delta("a\ud83d"), final(message("a😀"))], "a😀"),
    "all of it, whole in final": ([delta("\ud83d"), final(message("😀"))], "😀"),
    "last, half in done": ([delta("a\ud83d"), done("a\ud83d")], "a\ufffd"),
    "in done only": ([done("a\ud83d\ude00\ud83d")], "a😀\ufffd"),
    "in final only": ([final(message(text_part("a\ude00")))], "a\ufffd"),
}


@pytest.mark.parametrize(("steps", "text"), HALVES.values(), ids=HALVES)
def test_half_characters_are_joined_or_replaced(steps: list[Step], text: str) -> None:
    assert answer(*steps, final()).text == text


@pytest.mark.parametrize("kind", ["refusal", "reasoning_text", "reasoning_summary_text"])
def test_half_characters_are_joined_everywhere(kind: str) -> None:
    heard = answer(delta("a\ud83d", kind=kind), delta("\ude00\ud83d", kind=kind), final())
    assert heard.refusal + heard.reasoning == "a😀\ufffd"


@pytest.mark.parametrize("steps", [[], [of_type("error")], [final(event="failed")]], ids=["cut", "error", "failed"])
def test_a_half_character_is_replaced_before_a_failure(steps: list[Step]) -> None:
    assert answer(delta("a\ud83d"), *steps).text == "a\ufffd"


def test_bytes_that_are_not_utf8_are_replaced() -> None:
    body = b'data: {"type": "response.output_text.delta", "delta": "a\xff"}\n\n'
    assert hear([body]).text == "a\ufffd"


def test_control_characters_survive() -> None:
    text = "\ufeff\x00\x1b[31m\u2028\u2029\x85\x0b\x0c\r\n\r\u202edata: x\n\n\t "
    assert answer(delta(text), final(message(text_part(text)))).text == text
