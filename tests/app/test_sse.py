"""The decoder whole and cut at every byte; the encoder with the SDK's decoder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai._streaming import SSEDecoder

from app import sse
from app.sse import Decoder, ServerSentEvent


def message(data: str) -> ServerSentEvent:
    return ServerSentEvent(b"message", data.encode())


STREAMS = {
    "lf": (b"data: a\n\ndata: b\n\n", [message("a"), message("b")]),
    "crlf": (b"data: a\r\n\r\ndata: b\r\n\r\n", [message("a"), message("b")]),
    "cr": (b"data: a\r\rdata: b\r\r", [message("a"), message("b")]),
    "mixed line ends": (b"data: a\r\ndata: b\rdata: c\n\r\n", [message("a\nb\nc")]),
    "named event": (b"event: end\ndata: x\n\ndata: y\n\n", [ServerSentEvent(b"end", b"x"), message("y")]),
    "one space is dropped": (b"data:  a\ndata:b\n\n", [message(" a\nb")]),
    "empty data": (b"data\n\n", [message("")]),
    "event without data": (b"event: ping\n\ndata: a\n\n", [message("a")]),
    "unfinished at the end": (b"data: a\n\ndata: b\n", [message("a")]),
    "comment, id and unknown field": (b": hello\nid: 7\nfoo: bar\ndata: a\n\n", [message("a")]),
    "byte order mark": (b"\xef\xbb\xbfdata: a\n\n", [message("a")]),
    "other separators end no line": ("data: a\u2028b\x85c\x0bd\n\n".encode(), [message("a\u2028b\x85c\x0bd")]),
    "characters of many bytes": ("data: grün 🌊\n\n".encode(), [message("grün 🌊")]),
}
each_stream = pytest.mark.parametrize(("stream", "expected"), STREAMS.values(), ids=STREAMS)


@each_stream
def test_decodes_whole_stream(stream: bytes, expected: list[ServerSentEvent]) -> None:
    assert Decoder().feed(stream) == expected


@each_stream
def test_decodes_stream_cut_at_any_byte(stream: bytes, expected: list[ServerSentEvent]) -> None:
    for cut in range(len(stream) + 1):
        decoder = Decoder()
        assert decoder.feed(stream[:cut]) + decoder.feed(stream[cut:]) == expected, cut


@each_stream
def test_decodes_stream_byte_by_byte(stream: bytes, expected: list[ServerSentEvent]) -> None:
    decoder = Decoder()
    assert [event for i in range(len(stream)) for event in decoder.feed(stream[i : i + 1])] == expected


def test_refuses_line_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_PENDING", 10)
    with pytest.raises(ValueError, match="no end"):
        Decoder().feed(b"data: 0123456789")


def test_long_line_costs_in_proportion_to_length() -> None:
    decoder = Decoder()
    line = b"data: " + b"x" * 500_000
    for at in range(len(line)):  # copying the line for each byte would take a minute
        decoder.feed(line[at : at + 1])
    assert decoder.feed(b"\n\n") == [ServerSentEvent(b"message", line[6:])]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_other_decoder_reads_encoded_event(text: str) -> None:
    frame = sse.encode(text, event="text", event_id="t:1")
    (event,) = SSEDecoder().iter_bytes(iter([frame]))
    assert (event.event, event.id) == ("text", "t:1")
    assert event.data == text.replace("\r\n", "\n").replace("\r", "\n")


def test_comment_is_no_event() -> None:
    assert Decoder().feed(sse.comment("still here")) == []
