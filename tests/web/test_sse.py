"""The parser of event streams, compared with the standard
(WHATWG HTML, 9.2) and the browser's own.
"""

from collections.abc import Callable, Iterable

import pytest
from playwright.sync_api import Route

from tests.web.modules import Modules

Events = list[tuple[str, str, str]]  # event, data, id
Parse = Callable[[Iterable[list[str]]], list[Events]]

STREAMS: dict[str, tuple[str, Events]] = {
    "one event": ("event: text\ndata: a\nid: 1\n\n", [("text", "a", "1")]),
    "no name": ("data: a\n\n", [("message", "a", "")]),
    "CR": ("data: a\r\rdata: b\r\r", [("message", "a", ""), ("message", "b", "")]),
    "CRLF": ("data: a\r\n\r\ndata: b\r\n\r\n", [("message", "a", ""), ("message", "b", "")]),
    "mixed line ends": ("data: a\r\ndata: b\rdata: c\n\r\n", [("message", "a\nb\nc", "")]),
    "LF CR": ("data: a\n\rdata: b\n\n", [("message", "a", ""), ("message", "b", "")]),
    "BOM": ("\ufeffdata: a\n\n", [("message", "a", "")]),
    "only one BOM": ("\ufeff\ufeffdata: a\n\n", []),
    "BOM inside": ("data: a\n\n\ufeffdata: b\n\n", [("message", "a", "")]),
    "several data lines": ("data: a\ndata:\ndata: b\n\n", [("message", "a\n\nb", "")]),
    "empty data": ("data\n\ndata:\n\ndata: \n\n", [("message", "", "")] * 3),
    "one space is dropped": ("data:  a \ndata:b\n\n", [("message", " a \nb", "")]),
    "colons": ("data: a: b:c\n\n", [("message", "a: b:c", "")]),
    "comments": (": hi\n\n:\ndata: a\n: in between\ndata: b\n\n", [("message", "a\nb", "")]),
    "id stays": (
        "id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n",
        [("message", "a", "1"), ("message", "b", "1"), ("message", "c", "")],
    ),
    "id without data": ("id: 7\n\ndata: a\n\n", [("message", "a", "7")]),
    "id with NUL": ("id: 1\nid: a\0b\ndata: a\n\n", [("message", "a", "1")]),
    "name without data": ("event: text\n\ndata: a\n\n", [("message", "a", "")]),
    "unknown fields": ("retry: 99999\nfoo: bar\nDATA: x\ndata x\n data: x\ndata: a\n\n", [("message", "a", "")]),
    "unfinished": ("data: a\n\ndata: b\n", [("message", "a", "")]),
    "unfinished line": ("data: a\n\ndata: b", [("message", "a", "")]),
    "other line separators": (
        "data: a\u2028b\u2029c\x0bd\x0ce\x85f\n\n",
        [("message", "a\u2028b\u2029c\x0bd\x0ce\x85f", "")],
    ),
    "beyond the BMP": ("data: \U0001f30a流\n\n", [("message", "\U0001f30a流", "")]),
    "nothing": ("", []),
}
streams = pytest.mark.parametrize(("stream", "expected"), STREAMS.values(), ids=STREAMS.keys())

PARSE = """({ createParser }, cuts) => cuts.map((pieces) => {
  const events = [];
  const parser = createParser({ onEvent: ({ event, data, id }) => events.push([event, data, id]) });
  pieces.forEach(parser.feed);
  return events;
})"""


@pytest.fixture
def parse(modules: Modules) -> Parse:
    """Returns the events of each of several streams, each stream in pieces."""

    def parse(cuts: Iterable[list[str]]) -> list[Events]:
        found = modules.call("sse.js", PARSE, list(cuts))
        return [[(event, data, event_id) for event, data, event_id in events] for events in found]

    return parse


@streams
def test_whole_stream_gives_events(parse: Parse, stream: str, expected: Events) -> None:
    assert parse([[stream]]) == [expected]


@streams
def test_any_cut_gives_same_events(parse: Parse, stream: str, expected: Events) -> None:
    cuts = [[stream[:at], stream[at:]] for at in range(len(stream) + 1)]
    assert parse(cuts) == [expected] * len(cuts)


@streams
def test_single_characters_give_same_events(parse: Parse, stream: str, expected: Events) -> None:
    assert parse([list(stream)]) == [expected]


def test_event_is_dispatched_at_empty_line(parse: Parse) -> None:
    assert parse([["data: a\r\n\r"]]) == [[("message", "a", "")]]


EVENT_SOURCE = """() => new Promise((resolve) => {
  const events = [];
  const source = new EventSource("stream");
  const note = (event) => events.push([event.type, event.data, event.lastEventId]);
  for (const name of ["message", "text"]) source.addEventListener(name, note);
  source.onerror = () => resolve(events, source.close());
})"""


@streams
def test_event_source_finds_same_events(modules: Modules, stream: str, expected: Events) -> None:
    def answer(route: Route) -> None:
        route.fulfill(body=stream.encode(), content_type="text/event-stream")

    modules.page.route("**/stream", answer)
    found = modules.page.evaluate(EVENT_SOURCE)
    modules.page.unroute("**/stream")
    assert [tuple(event) for event in found] == expected
