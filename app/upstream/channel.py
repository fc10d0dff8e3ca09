"""One kind of text of an answer (the answer itself, a refusal or reasoning), in parts.

Pure.

A `Channel` turns more text of a part into events of the wire, in the order of arrival.
It joins half surrogates of two deltas and puts a paragraph break before another item. A
`Part` maps offsets in its text to offsets in the whole.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from operator import itemgetter

from app.contract import Event, Reasoning, Refusal, Text
from app.upstream.items import Item
from app.upstream.surrogates import REPLACEMENT, split_half, well_formed

Number = tuple[str, int]  # the field that counts the parts of an item, and its value
BREAK = "\n\n"


class Part:
    """The text of one part.

    `echoes` has the text of its `done` events, by their type.
    """

    __slots__ = ("_pieces", "_runs", "echoes", "item", "length", "number")

    def __init__(self, item: Item, number: Number) -> None:
        self.item = item
        self.number = number
        self.length = 0
        self.echoes: dict[str, str] = {}
        self._pieces: list[str] = []
        self._runs: list[tuple[int, int]] = []

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    def begin_run(self, at: int) -> None:
        """The next text of the part begins at this offset of the channel."""
        self._runs.append((self.length, at))

    def append(self, text: str) -> None:
        self.length += len(text)
        self._pieces.append(text)

    def place(self, offset: int) -> int:
        """Returns the offset in the channel of an offset in
        this part, which must have text.
        """
        inside, at = self._runs[max(0, bisect_right(self._runs, offset, key=itemgetter(0)) - 1)]
        return at + offset - inside


class Channel:
    """All parts of one kind.

    `address` is the name that the newest delta gave its part.
    """

    def __init__(self, kind: type[Text | Reasoning | Refusal], *, breaks_parts: bool = False) -> None:
        self.parts: list[Part] = []
        self.address: object = None
        self._kind = kind
        self._breaks_parts = breaks_parts
        self._named: dict[tuple[Item, Number], Part] = {}
        self._length = 0
        self._current = self._last = Part(Item(), ("", 0))  # the part of the next delta, and of the newest text
        self._half = ""  # at the end of the current part, until a delta completes it

    def find(self, item: Item | None, number: Number) -> Part | None:
        return self._named.get((item, number)) if item else None

    def open(self, item: Item, number: Number) -> Part:
        """Adds a part. From now on the number means this part."""
        part = Part(item, number)
        self.parts.append(part)
        self.name(part, item, number)
        return part

    def name(self, part: Part, item: Item, number: Number) -> None:
        """Gives the part another name of upstream."""
        self._named[item, number] = part

    def parts_of(self, item: Item, numbers: Iterable[Number]) -> list[Part]:
        """Returns the parts of the item, and those that have
        one of these names in it.
        """
        named = {self._named.get((item, number)) for number in numbers}
        return [part for part in self.parts if part.item is item or part in named]

    def turn_to(self, part: Part) -> list[Event]:
        """Makes it the current part.

        A half character at the end of another part stays alone.
        """
        if part is self._current:
            return []
        events = self.flush()
        self._current = part
        return events

    def say(self, delta: str) -> list[Event]:
        """Adds text to the current part."""
        if self._half or not delta.isascii():
            text, self._half = split_half(self._half + delta)
            delta = well_formed(text)
        return self._emit(delta) if delta else []

    def settle_half(self, parts: Sequence[Part], continued: Sequence[Part | None]) -> list[Event]:
        """Stops waiting for the other half if one of these parts is
        current: its whole text is here.
        """
        if not self._half or self._current not in parts:
            return []
        if self._current not in continued:
            return self.flush()
        self._half = ""  # the missing text begins with the character
        return []

    def flush(self) -> list[Event]:
        """Emits a half character at the end as it is."""
        if not self._half:
            return []
        self._half = ""
        return self._emit(REPLACEMENT)

    def is_blank(self) -> bool:
        """Whether all text is white space."""
        return not any(part.text.strip() for part in self.parts)

    def _emit(self, text: str) -> list[Event]:
        lead = "" if self._current is self._last else self._begin_run()
        self._current.append(text)
        self._length += len(lead) + len(text)
        return [self._kind(delta=lead + text)]

    def _begin_run(self) -> str:
        """Returns the paragraph break before the current part, if one is needed."""
        separate = self._breaks_parts or self._current.item is not self._last.item
        lead = BREAK if separate and self._length else ""
        self._current.begin_run(self._length + len(lead))
        self._last = self._current
        return lead
