"""Citations of upstream -> sources of the wire. Pure.

A citation that a client cannot use is dropped: one without a URL, or without the
offsets of the cited text. Schemes are not judged here: a client must link to http and
https alone. The same citation can come in several events; it is returned once.
"""

import re
from collections.abc import Callable, Mapping

from app.contract import Source
from app.upstream.surrogates import well_formed

MAX_URL = 4096  # characters; a source must fit into a batch of the store
MAX_TITLE = 500
MAX_OFFSET = 10**9
_URL = re.compile(r"[^\s\x00-\x20\x7f\ud800-\udfff]+")
Place = Callable[[int], int | None]


class Citations:
    """The citations of one answer."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, int, int]] = set()

    def take(self, annotation: object, place: Place) -> list[Source]:
        """Returns the source if it is valid and new; `place` maps
        offsets in the part to the whole text.
        """
        if not isinstance(annotation, Mapping) or annotation.get("type") != "url_citation":
            return []
        url, span = url_of(annotation.get("url")), span_of(annotation)
        start = place(span.start) if span else None
        if url is None or span is None or start is None:
            return []
        last = place(span.stop - 1) if span else None
        end = start if last is None else last + 1
        if (url, start, end) in self._seen:
            return []
        self._seen.add((url, start, end))
        return [Source(url=url, title=title_of(annotation), start=start, end=end)]


def url_of(value: object) -> str | None:
    """Returns the value if it can be a URL."""
    if isinstance(value, str) and len(value) <= MAX_URL and _URL.fullmatch(value):
        return value
    return None


def span_of(annotation: Mapping[str, object]) -> range | None:
    """Returns the range of the cited characters, which may be empty."""
    start, end = annotation.get("start_index"), annotation.get("end_index")
    if isinstance(start, bool) or isinstance(end, bool) or not isinstance(start, int) or not isinstance(end, int):
        return None
    return range(start, end) if 0 <= start <= end <= MAX_OFFSET else None


def title_of(annotation: Mapping[str, object]) -> str:
    title = annotation.get("title")
    return well_formed(title[:MAX_TITLE]) if isinstance(title, str) else ""
