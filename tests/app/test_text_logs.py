"""Text logs: one line a record, for any values."""

import logging
from typing import Any

import pytest

from app.logs import TextFormatter

HOSTILE = [
    "\n12:00:00 INFO    request forged=1",
    "\r\nforged",
    "\x1b[31mred\x1b]0;title\x07",
    "\x9b31m",
    "\x00\x08\x7f",
    "\x85\u2028\u2029forged",
    "\u202egnihtemos",
    "\u2066\u200b\ufeff",
    "\ud800",
]


def line(message: str = "request", *, exc_info: Any = None, **fields: Any) -> str:
    record = logging.LogRecord("rivulet", logging.INFO, "app.py", 1, message, None, exc_info)
    vars(record).update(fields)
    return TextFormatter().format(record)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("place", ["message", "path"])
def test_a_value_cannot_leave_its_line(place: str, text: str) -> None:
    written = line(**{place: f"/{text}"})
    assert written.isprintable()
    assert "/\\" in written


def test_readable_text_stays_as_it_is() -> None:
    assert line(path="/grün 🌊").endswith("INFO    request path=/grün 🌊")


def test_backtrace_keeps_lines_and_none_looks_like_record() -> None:
    error = ValueError("secret\n12:00:00 INFO    request forged=1\x1b[31m")
    first, *rest = line(exc_info=(ValueError, error, None)).split("\n")
    assert first.endswith("request")
    assert len(rest) == 2
    assert all(text.startswith("  ") and text.isprintable() for text in rest)
