"""Citations: invalid ones are dropped, offsets count from
the start of the whole text.
"""

import pytest

from app.contract import End, Source, Status
from tests.app.upstream.answers import (
    Heard,
    Step,
    answer,
    at,
    citation,
    cited,
    delta,
    done,
    final,
    item_done,
    message,
    part_done,
    text_part,
)

SOURCE = Source(url="https://a.example", title="A", start=0, end=5)
CITATIONS: dict[str, list[Step]] = {
    "annotation event": [delta("Rain."), cited(citation(0, 5))],
    "before its text": [cited(citation(0, 5)), delta("Rain."), done("Rain.")],
    "before its text, no done event": [cited(citation(0, 5)), delta("Rain.")],
    "text done": [delta("Rain."), done("Rain.") | {"annotations": [citation(0, 5)]}],
    "part done": [delta("Rain."), part_done(text_part("Rain.", citation(0, 5)))],
    "item done": [delta("Rain."), item_done(message(text_part("Rain.", citation(0, 5))))],
    "final": [delta("Rain."), final(message(text_part("Rain.", citation(0, 5))))],
    "final only": [final(message(text_part("Rain.", citation(0, 5))))],
    "incomplete": [delta("Rain."), final(message(text_part("Rain.", citation(0, 5))), event="incomplete")],
    "everywhere": [
        delta("Rain."),
        cited(citation(0, 5)),
        part_done(text_part("Rain.", citation(0, 5))),
        item_done(message(text_part("Rain.", citation(0, 5)))),
        final(message(text_part("Rain.", citation(0, 5)))),
    ],
    "indexes null": [delta("Rain."), cited(citation(0, 5), output_index=None, content_index=None)],
    "indexes missing": [delta("Rain."), cited(citation(0, 5), x=1)],
    "trimmed text": [delta("Rain."), final(message(text_part(" Rain.", citation(1, 6))))],
    "annotations null": [
        delta("Rain."),
        cited(citation(0, 5)),
        final(message(text_part("Rain.") | {"annotations": None})),
    ],
}


@pytest.mark.parametrize("steps", CITATIONS.values(), ids=CITATIONS)
def test_a_citation_is_sent_once_from_anywhere(steps: list[Step]) -> None:
    heard = answer(*steps, final())
    assert [event for event in heard.events if isinstance(event, Source)] == [SOURCE]
    assert heard.text == "Rain."


ODD_CITATIONS: list[object] = [
    None,
    "https://a.example",
    [],
    {},
    {"type": ["url_citation"]},
    {"type": "file_citation", "file_id": "f", "index": 3},
    {"type": "container_file_citation", "file_id": "f", "start_index": 0, "end_index": 3},
    {"type": "url_citation", "url": "https://a.example", "title": "A"},
    citation(None, None),
    citation(0, None),
    citation("0", "5"),
    citation(0.5, 5),
    citation(False, True),
    citation(-1, 5),
    citation(5, 0),
    citation(0, 10**30),
    citation(0, 5, url=None),
    citation(0, 5, url=7),
    citation(0, 5, url=""),
    citation(0, 5, url="https://a.example/\n"),
    citation(0, 5, url="https://a.example/\ud83d"),
    citation(0, 5, url="https://a.example/" + "x" * 5000),
]


@pytest.mark.parametrize("annotation", ODD_CITATIONS)
def test_an_odd_citation_is_dropped(annotation: object) -> None:
    final_part = text_part("Rain.", annotation)
    heard = answer(delta("Rain."), cited(annotation), item_done(message(final_part)), final(message(final_part)))
    assert (heard.text, heard.sources, heard.end) == ("Rain.", [], End(status=Status.COMPLETED))


@pytest.mark.parametrize(
    ("title", "shown"),
    [(None, ""), (7, ""), ("a\ud83d\ude00", "a😀"), ("a\ud83d", "a\ufffd"), ("x" * 9999, "x" * 500)],
)
def test_a_title_is_valid_text(title: object, shown: str) -> None:
    (source,) = (
        event for event in answer(delta("Hi"), cited(citation(0, 2, title=title))).events if event.event == "source"
    )
    assert isinstance(source, Source)
    assert source.title == shown


def cut_out(heard: Heard) -> list[str]:
    return [heard.text[start:end] for start, end in heard.sources]


def test_offsets_count_from_start_of_whole_text() -> None:
    first = message(text_part("One. ", citation(0, 4)), text_part("Two.", citation(0, 4)))
    second = message(text_part("Three.", citation(0, 6)))
    assert cut_out(answer(final(first, second))) == ["One.", "Two.", "Three."]
    streamed = [
        delta("One. ", **at(0)),
        cited(citation(0, 4), **at(0)),
        delta("Two.", **at(0) | {"content_index": 1}),
        cited(citation(0, 4), **at(0) | {"content_index": 1}),
        delta("Three.", **at(2)),
        cited(citation(0, 6), **at(2)),
    ]
    assert cut_out(answer(*streamed, final(first, second))) == ["One.", "Two.", "Three."]
    assert cut_out(answer(*(step for step in streamed if "delta" in step), final(first, second))) == [
        "One.",
        "Two.",
        "Three.",
    ]


def test_offsets_hold_in_interleaved_items() -> None:
    steps = [delta("one ", **at(0)), delta("two", **at(1)), delta("three", **at(0)), cited(citation(4, 9), **at(0))]
    assert cut_out(answer(*steps, final())) == ["three"]


def test_offsets_hold_after_a_joined_character() -> None:
    heard = answer(delta("a\ud83d"), delta("\ude00b"), cited(citation(2, 3)), final())
    assert cut_out(heard) == ["b"]


def test_citation_without_text_is_sent_at_end() -> None:
    assert answer(cited(citation(0, 3)), final()).sources == [(0, 3)]
