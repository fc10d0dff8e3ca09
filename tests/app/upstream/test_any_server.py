"""Any server: answers in every combination of events and
names, and JSON of any shape.
"""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.chat import log_format
from app.contract import Status
from app.upstream.reducer import DELTAS, END_EVENTS, HANDLERS
from tests.app.upstream.answers import (
    Json,
    Step,
    added,
    citation,
    delta,
    done,
    encode,
    final,
    hear,
    item_done,
    message,
    part_done,
    text_part,
)

WORDS = st.text(alphabet="ab 😀", min_size=1, max_size=6).filter(str.strip)
MESSAGES = st.lists(st.lists(WORDS, min_size=1, max_size=3), min_size=1, max_size=3)
SOURCES = st.sets(st.sampled_from(["deltas", "start", "text", "part", "item"]))


def names(item: int, part: int, style: str) -> Json:
    """Returns the server's name for a part."""
    index, item_id, number = {"output_index": item}, {"item_id": f"m{item}"}, {"content_index": part}
    left_out = {name: value for name, value in {**index, **number}.items() if value}
    styles: dict[str, Json] = {
        "all": index | item_id | number,
        "indexes": index | number,
        "ids": item_id | number | {"output_index": None},
        "zeros left out": item_id | left_out,
        "a new id each time": index | number | {"item_id": f"{item}-{part}-{id(object())}"},
    }
    return styles[style]


def halves(text: str, size: int) -> list[str]:
    """Returns the text in deltas of this number of UTF-16 units."""
    units = text.encode("utf-16-le")
    cuts = range(0, len(units), 2 * size)
    return [units[cut : cut + 2 * size].decode("utf-16-le", "surrogatepass") for cut in cuts]


def cited_part(text: str) -> Json:
    return text_part(text, citation(0, len(text)))


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[list[str]], list[Step]]:
    """Messages with parts, and the events of a server that
    sends each part at least once.
    """
    messages = draw(MESSAGES)
    style = draw(st.sampled_from(["all", "indexes", "ids", "zeros left out", "a new id each time"]))
    offset = draw(st.integers(0, 1))  # an item before the messages, which the end lacks
    if offset:  # positions do not fit, so only the texts distinguish the messages
        messages = [[f"{item}{part}{text}" for part, text in enumerate(parts)] for item, parts in enumerate(messages)]
    has_final, has_added = draw(st.booleans()), draw(st.booleans())
    steps: list[Step] = []
    for item, parts in enumerate(messages, offset):
        whole = message(*map(cited_part, parts), id=f"m{item}")
        where = {key: value for key, value in names(item, 0, style).items() if key == "output_index"}
        if has_added:
            steps.append(added(whole | {"content": []}, **where))
        sources = draw(SOURCES) or {"item"}
        for number, text in enumerate(parts):
            named = names(item, number, style)
            pieces = halves(text, draw(st.integers(1, 3)))
            if "deltas" in sources or "start" in sources:
                is_whole = "deltas" in sources or (not sources & {"text", "part"} and number < len(parts) - 1)
                kept = len(pieces) if is_whole else draw(st.integers(0, len(pieces)))
                steps += [delta(piece, **named) for piece in pieces[:kept]]
            if "text" in sources:
                steps.append(done(text, **named))
            if "part" in sources:
                steps.append(part_done(cited_part(text), **named))
        if "item" in sources or sources == {"start"}:
            steps.append(item_done(whole, **(where or {"x": 1})))
    output = [message(*map(cited_part, parts), id=f"m{item}") for item, parts in enumerate(messages, offset)]
    return messages, [*steps, final(*output if has_final else ())]


@settings(max_examples=200, deadline=None)
@given(answers())
def test_every_text_is_said_once_whatever_the_server(case: tuple[list[list[str]], list[Step]]) -> None:
    messages, steps = case
    heard = hear([encode(steps)])
    assert heard.end is not None
    parts = {text for parts in messages for text in parts}
    assert {heard.text[start:end] for start, end in heard.sources} <= parts
    assert len(set(heard.sources)) == len(heard.sources)
    assert (heard.text, heard.end.status) == ("\n\n".join("".join(parts) for parts in messages), Status.COMPLETED)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.floats() | st.text(max_size=3) | st.just("\ud83d"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)
PART = st.fixed_dictionaries(
    {"type": st.sampled_from(["output_text", "refusal", "summary_text", "url_citation", "?"]) | ANYTHING},
    optional={
        "text": ANYTHING,
        "refusal": ANYTHING,
        "annotations": st.lists(ANYTHING, max_size=2) | ANYTHING,
        "url": ANYTHING | st.just("https://a.example"),
        "start_index": ANYTHING,
        "end_index": ANYTHING,
    },
)
ITEM = st.fixed_dictionaries(
    {"type": st.sampled_from(["message", "reasoning", "web_search_call"]) | ANYTHING},
    optional={
        "id": ANYTHING,
        "role": ANYTHING,
        "content": st.lists(PART | ANYTHING, max_size=2) | ANYTHING,
        "summary": st.lists(PART | ANYTHING, max_size=2) | ANYTHING,
    },
)
RESPONSE = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["completed", "incomplete", "failed", "cancelled"]) | ANYTHING,
        "output": st.lists(ITEM | ANYTHING, max_size=2) | ANYTHING,
        "output_text": ANYTHING,
        "error": ANYTHING,
        "usage": ANYTHING | st.fixed_dictionaries({"input_tokens": ANYTHING, "input_tokens_details": ANYTHING}),
        "incomplete_details": ANYTHING | st.fixed_dictionaries({"reason": ANYTHING}),
    },
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "output_index": ANYTHING,
    "item_id": ANYTHING,
    "content_index": ANYTHING,
    "summary_index": ANYTHING,
    "delta": ANYTHING | WORDS,
    "text": ANYTHING | WORDS,
    "refusal": ANYTHING,
    "part": PART | ANYTHING,
    "item": ITEM | ANYTHING,
    "annotation": PART | ANYTHING,
    "response": RESPONSE | ANYTHING,
    "error": ANYTHING,
}
KINDS = st.sampled_from([*DELTAS, *HANDLERS, "keepalive"]) | ANYTHING
EVENTS = st.fixed_dictionaries({"type": KINDS}, optional=FIELDS)


@settings(max_examples=200, deadline=None)
@given(st.lists(EVENTS, max_size=8))
def test_no_json_takes_an_answer_away(events: list[Json]) -> None:
    heard = hear([encode(events)])
    log_format.encode(0, heard.events)
    may_fail = any(event.get("error") or event["type"] in ("error", *END_EVENTS) for event in events)
    assert heard.problem is None or may_fail
