"""Text, refusals and reasoning are taken once, from any event that has them."""

import pytest

from app.contract import End, Status
from tests.app.upstream.answers import (
    Json,
    Step,
    added,
    answer,
    at,
    delta,
    done,
    final,
    item_done,
    message,
    of_type,
    part_done,
    reasoning,
    refusal_part,
    summary,
    text_part,
)

A, B = message(text_part("Hello")), message(text_part("world"))
WHERE_TEXT_STANDS: dict[str, list[Step]] = {
    "deltas": [delta("Hel"), delta("lo")],
    "text done": [done("Hello")],
    "part done": [part_done(text_part("Hello"))],
    "item done": [item_done(A)],
    "final": [final(A)],
    "everywhere": [delta("Hello"), done("Hello"), part_done(text_part("Hello")), item_done(A), final(A)],
    "done events only": [done("Hello"), part_done(text_part("Hello")), item_done(A), final(A)],
    "an empty delta, then final": [delta(""), final(A)],
    "a null delta between": [delta("Hel"), delta(None), delta("lo")],
    "odd deltas between": [
        delta("Hel"),
        delta(7),
        delta(["x"]),
        delta({"a": 1}),
        of_type(delta("")["type"]),
        delta("lo"),
    ],
    "a tail in text done": [delta("Hel"), done("Hello")],
    "a tail in part done": [delta("H"), part_done(text_part("Hello"))],
    "a tail in item done": [delta("H"), item_done(A)],
    "a tail in final": [delta("Hell"), final(A)],
    "a bit more each time": [delta("H"), done("He"), part_done(text_part("Hel")), item_done(A)],
    "other words at the end": [
        delta("Hello"),
        done("Hallo"),
        part_done(text_part("Hallo")),
        final(message(text_part("x"))),
    ],
    "trimmed at the end": [delta("Hello"), done(" Hello"), final(message(text_part("Hello")))],
    "shorter at the end": [delta("Hello"), done("He"), final(message(text_part("Hell")))],
    "null at the end": [delta("Hello"), done(None), part_done(None), item_done(None), final(message(text_part(None)))],
    "content as text": [final(message() | {"content": "Hello"})],
    "content as text, said before": [delta("Hello"), final(message() | {"content": "Hello"})],
    "content as one part": [final(message() | {"content": text_part("Hello")})],
    "content null": [delta("Hello"), final(message() | {"content": None})],
    "a part of type text": [final(message({"type": "text", "text": "Hello"}))],
    "a part without a type": [final(message({"text": "Hello"}))],
    "a part as text": [final(message("Hello"))],
    "odd parts": [final(message(7, None, [], {}, {"type": []}, {"type": "image"}, text_part("Hello")))],
    "an item without a type": [final({"content": [text_part("Hello")]})],
    "odd items": [final(7, None, [], "", {}, {"type": ["x"]}, {"type": "web_search_call", "text": "x"}, A)],
    "other people's messages": [final(message(text_part("x"), role="user"), message("y", role="system"), A)],
    "a null role": [final(message(text_part("Hello"), role=None))],
    "output null": [delta("Hello"), of_type("response.completed", response={"output": None})],
    "output text": [delta("Hello"), of_type("response.completed", response={"output": "Hello"})],
    "output as one item": [of_type("response.completed", response={"output": A})],
    "the SDK's output_text": [final(output_text="Hello")],
    "the SDK's output_text, said before": [delta("Hello"), final(output_text="Hello")],
    "no response": [delta("Hello"), of_type("response.completed")],
    "response null": [delta("Hello"), of_type("response.completed", response=None)],
    "response text": [delta("Hello"), of_type("response.completed", response="done")],
}


@pytest.mark.parametrize("steps", WHERE_TEXT_STANDS.values(), ids=WHERE_TEXT_STANDS)
def test_text_is_taken_once_from_anywhere(steps: list[Step]) -> None:
    heard = answer(*steps, final())
    assert (heard.text, heard.refusal, heard.reasoning) == ("Hello", "", "")
    assert heard.end == End(status=Status.COMPLETED)


TWO = [message(text_part("Hello"), id="m1"), message(text_part("world"), id="m2")]
NAMED = [message(text_part("Hello")), message(text_part("world"))]
SEARCH: Json = {"type": "web_search_call", "id": "ws"}
TWO_MESSAGES: dict[str, list[Step]] = {
    "deltas by index": [delta("Hello", **at(0)), delta("world", **at(1))],
    "deltas by index, again at the end": [delta("Hello", **at(0)), delta("world", **at(1)), final(*NAMED)],
    "a search between, left out at the end": [delta("Hello", **at(0)), delta("world", **at(2)), final(*NAMED)],
    "reasoning first, left out at the end": [delta("Hello", **at(1)), delta("world", **at(2)), final(*NAMED)],
    "reasoning first, in the end": [delta("Hello", **at(1)), delta("world", **at(2)), final(reasoning(), *NAMED)],
    "by id alone": [delta("Hello", item_id="m1"), delta("world", item_id="m2"), final(*TWO)],
    "by id, index null": [
        delta("Hello", **at(None, item_id="m1")),
        delta("world", **at(None, item_id="m2")),
        final(*TWO),
    ],
    "zeros left out": [delta("Hello", item_id="m1"), delta("world", output_index=1, item_id="m2"), final(*TWO)],
    "zeros left out, no id": [delta("Hello", x=1), delta("world", output_index=1), final(*NAMED)],
    "announced, without names": [
        added(A),
        delta("Hello", x=1),
        added(B),
        delta("world", x=1),
        final(*NAMED),
    ],
    "done between, without names": [delta("Hello", x=1), item_done(A, x=1), delta("world", x=1), final(*NAMED)],
    "text done between, without names": [delta("Hello", x=1), done("Hello", x=1), delta("world", x=1), final(*NAMED)],
    "text done only": [done("Hello", **at(0)), done("world", **at(1))],
    "text done only, always item 0": [done("Hello", **at(0)), done("world", **at(0))],
    "part done only": [part_done(text_part("Hello"), **at(0)), part_done(text_part("world"), **at(1))],
    "item done only": [item_done(A, output_index=0), item_done(B, output_index=1)],
    "item done only, always item 0": [
        item_done(TWO[0], output_index=0),
        item_done(TWO[1], output_index=0),
        final(*TWO),
    ],
    "item done only, without names": [item_done(A, x=1), item_done(B, x=1), final(*NAMED)],
    "final only": [final(*TWO)],
    "the second only at the end": [delta("Hello", **at(0)), final(*NAMED)],
    "the second only at the end, without names": [delta("Hello", x=1), final(*NAMED)],
    "always item 0, announced": [
        added(TWO[0], output_index=0),
        delta("Hello", **at(0, item_id="m1")),
        done("Hello", **at(0, item_id="m1")),
        added(TWO[1], output_index=0),
        delta("world", **at(0, item_id="m2")),
        done("world", **at(0, item_id="m2")),
        final(*TWO),
    ],
    "always item 0, with ids": [
        delta("Hello", **at(0, item_id="m1")),
        done("Hello", **at(0, item_id="m1")),
        delta("world", **at(0, item_id="m2")),
        final(*TWO),
    ],
    "done events late": [
        delta("Hello", **at(0)),
        delta("world", **at(1)),
        done("Hello", **at(0)),
        done("world", **at(1)),
        item_done(A, output_index=0),
        item_done(B, output_index=1),
        final(*NAMED),
    ],
    "done events in the other order": [
        delta("Hello", **at(0)),
        delta("world", **at(1)),
        item_done(B, output_index=1),
        item_done(A, output_index=0),
    ],
    "new ids in each event": [
        delta("Hel", **at(0, item_id="a")),
        delta("lo", **at(0, item_id="b")),
        done("Hello", **at(0, item_id="c")),
        item_done(message(text_part("Hello"), id="d"), output_index=0),
        delta("world", **at(1, item_id="e")),
        done("world", **at(1, item_id="f")),
        final(message(text_part("Hello"), id="g"), message(text_part("world"), id="h")),
    ],
    "an empty message between": [delta("Hello", **at(0)), delta("", **at(1)), delta("world", **at(2))],
    "odd indexes": [
        delta("Hello", **at("0")),
        item_done(A, output_index="0"),
        delta("world", **at([1])),
        final(*NAMED),
    ],
    "other words at the end": [delta("Hello", **at(0)), delta("world", **at(2)), final(message("x"), message("y"))],
    "a tail of the second": [delta("Hello", **at(0)), delta("wor", **at(1)), final(*NAMED)],
    "a tool between": [
        delta("Hello", **at(0)),
        of_type("response.web_search_call.searching", **at(1)),
        delta("world", **at(2)),
        final(TWO[0], SEARCH, TWO[1]),
    ],
}


@pytest.mark.parametrize("steps", TWO_MESSAGES.values(), ids=TWO_MESSAGES)
def test_two_messages_are_two_paragraphs(steps: list[Step]) -> None:
    heard = answer(*steps, final())
    assert (heard.text, heard.end) == ("Hello\n\nworld", End(status=Status.COMPLETED))


PARTS = [text_part("Hello "), text_part("world")]
ONE_MESSAGE: dict[str, list[Step]] = {
    "deltas": [delta("Hello ", **at(0)), delta("world", **at(0) | {"content_index": 1})],
    "text done": [done("Hello ", **at(0)), done("world", **at(0) | {"content_index": 1})],
    "part done": [part_done(PARTS[0], **at(0)), part_done(PARTS[1], **at(0) | {"content_index": 1})],
    "item done": [item_done(message(*PARTS))],
    "final": [final(message(*PARTS))],
    "the second only at the end": [delta("Hello ", **at(0)), done("Hello ", **at(0)), final(message(*PARTS))],
    "parts without numbers": [delta("Hello ", output_index=0), delta("world", output_index=0), final(message(*PARTS))],
    "parts as one at the end": [
        delta("Hello ", **at(0)),
        delta("world", **at(0) | {"content_index": 1}),
        final(message(text_part("Hello world"))),
    ],
}


@pytest.mark.parametrize("steps", ONE_MESSAGE.values(), ids=ONE_MESSAGE)
def test_two_parts_are_one_paragraph(steps: list[Step]) -> None:
    assert answer(*steps, final()).text == "Hello world"


def test_text_stands_if_its_repetition_is_trimmed() -> None:
    assert answer(delta("\n\nHel"), delta("lo \n"), done("Hello"), final(message("Hello"))).text == "\n\nHello \n"


def test_text_after_blank_deltas_is_not_lost() -> None:
    assert answer(delta("\n"), final(message("Hello"))).text == "\nHello"


def test_equal_messages_are_both_said() -> None:
    assert (
        answer(done("Yes", **at(0)), done("Yes", **at(1)), final(message("Yes"), message("Yes"))).text == "Yes\n\nYes"
    )


def test_interleaved_messages_are_not_glued() -> None:
    steps = [delta("one", **at(0)), delta("two", **at(1)), delta("three", **at(0)), done("onethree", **at(0))]
    assert answer(*steps, final(message("onethree"), message("two"))).text == "one\n\ntwo\n\nthree"


REFUSALS: dict[str, list[Step]] = {
    "deltas": [delta("N", kind="refusal"), delta("o.", kind="refusal")],
    "refusal done": [done("No.", kind="refusal")],
    "part done": [part_done(refusal_part("No."))],
    "item done": [item_done(message(refusal_part("No.")))],
    "final": [final(message(refusal_part("No.")))],
    "everywhere": [delta("No", kind="refusal"), done("No.", kind="refusal"), final(message(refusal_part("No.")))],
    "a part without a type": [final(message({"refusal": "No."}))],
    "null and empty first": [delta(None, kind="refusal"), delta("", kind="refusal"), done("No.", kind="refusal")],
}


@pytest.mark.parametrize("steps", REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_is_taken_once_from_anywhere(steps: list[Step]) -> None:
    heard = answer(*steps, final())
    assert (heard.text, heard.refusal, heard.end) == ("", "No.", End(status=Status.REFUSED))


def summary_done(text: str, number: int = 0) -> Json:
    return done(text, kind="reasoning_summary_text", output_index=0, summary_index=number)


def summary_part(text: str, number: int = 0) -> Json:
    part = {"type": "summary_text", "text": text}
    return part_done(part, kind="reasoning_summary", output_index=0, summary_index=number)


REASONING: dict[str, list[Step]] = {
    "deltas": [summary("Hm"), summary("m"), summary("Ah", 1)],
    "text done": [summary_done("Hmm"), summary_done("Ah", 1)],
    "part done": [summary_part("Hmm"), summary_part("Ah", 1)],
    "item done": [item_done(reasoning("Hmm", "Ah"))],
    "final": [final(reasoning("Hmm", "Ah"))],
    "everywhere": [
        summary("H"),
        summary_done("Hmm"),
        summary_part("Hmm"),
        summary("Ah", 1),
        summary_done("Ah", 1),
        item_done(reasoning("Hmm", "Ah")),
        final(reasoning("Hmm", "Ah")),
    ],
    "reasoning text": [
        delta("Hmm", kind="reasoning_text", **at(0)),
        delta("Ah", kind="reasoning_text", **at(0) | {"content_index": 1}),
        item_done(reasoning(content=["Hmm", "Ah"])),
    ],
    "reasoning text done": [done("Hmm", kind="reasoning_text", **at(0)), done("Ah", kind="reasoning_text", **at(1))],
    "reasoning in a content part": [
        part_done({"type": "reasoning_text", "text": "Hmm"}, **at(0)),
        final(reasoning(content=["Hmm", "Ah"])),
    ],
    "two items": [delta("Hmm", kind="reasoning_text", **at(0)), delta("Ah", kind="reasoning_text", **at(2))],
    "the same as summary and content": [final(reasoning("Hmm", "Ah", content=["Hmm", "Ah"]))],
    "content as text": [final({"type": "reasoning", "content": "Hmm\n\nAh"})],
}


@pytest.mark.parametrize("steps", REASONING.values(), ids=REASONING)
def test_reasoning_is_taken_once_in_paragraphs(steps: list[Step]) -> None:
    heard = answer(*steps, final())
    assert (heard.reasoning, heard.text) == ("Hmm\n\nAh", "")
