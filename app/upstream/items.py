"""The output item of an upstream event: by its index, its id or the order of events.

Pure.

Compatible servers leave out indexes, ids or both, count every item as the first, or
invent a new id for each event.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Ref:
    """An event's name for an item: its index in the output and its id.

    Either may be missing.
    """

    index: int | None = None
    id: str | None = None

    @classmethod
    def of(cls, index: object, item_id: object) -> Self:
        """Reads JSON; anything but an integer and a text counts as missing."""
        known = index if isinstance(index, int) and not isinstance(index, bool) else None
        return cls(known, item_id if isinstance(item_id, str) and item_id else None)


NAMELESS = Ref()


class Item:
    """One output item. `echo` is the text of its `done` event, None before it."""

    __slots__ = ("echo", "id", "index")

    def __init__(self) -> None:
        self.index: int | None = None
        self.id: str | None = None
        self.echo: str | None = None

    def is_named_by(self, ref: Ref) -> bool:
        """Whether the event has the item's id."""
        return self.id is not None and ref.id == self.id

    def may_be(self, ref: Ref) -> bool:
        """Whether the event can mean this item, by index, or
        by id if an index is missing.
        """
        if self.index is None or ref.index is None:
            return not self.is_denied_by(ref)
        return self.index == ref.index or self.is_named_by(ref)

    def is_denied_by(self, ref: Ref) -> bool:
        """Whether the event has another id than the item."""
        return self.id is not None and ref.id is not None and ref.id != self.id


class Items:
    """The output items of one answer. `last` is the item of the newest event."""

    def __init__(self) -> None:
        self.last: Item | None = None
        self._by_index: dict[int, Item] = {}
        self._by_id: dict[str, Item] = {}

    def find(self, ref: Ref) -> Item | None:
        """Returns the item of this name, by index, or by id if
        there is no index to compare.
        """
        if ref == NAMELESS:
            return self.last
        named = self._by_id.get(ref.id) if ref.id is not None else None
        if ref.index is None:
            return named
        return self._by_index.get(ref.index) or (named if named and named.index is None else None)

    def recognise(self, refs: Iterable[Ref]) -> dict[Ref, Item | None]:
        """Returns the items of a final response.

        They are found by id, else by position unless another one has the id of that
        item. Positions alone are not enough: some servers leave out tool calls or
        reasoning.
        """
        found = {ref: self._by_id.get(ref.id) if ref.id is not None else None for ref in refs}
        claimed = set(found.values())
        at = {ref: self.find(ref) for ref, item in found.items() if item is None}
        return found | {ref: item for ref, item in at.items() if item not in claimed}

    def new(self, ref: Ref) -> Item:
        """Adds an item. From now on the name means this item."""
        item = Item()
        self.bind(item, ref)
        if ref == NAMELESS:
            self._by_index.setdefault(0, item)  # servers leave out zeros
        return item

    def bind(self, item: Item, ref: Ref) -> None:
        """Gives the item a name."""
        if ref.index is not None:
            self._by_index[ref.index] = item
            item.index = ref.index if item.index is None else item.index
        if ref.id is not None:
            self._by_id[ref.id] = item
            item.id = item.id or ref.id
        self.last = item

    def announce(self, ref: Ref) -> None:
        """Begins an item, whose name may have been used before."""
        item = None if ref == NAMELESS else self.find(ref)
        if item is None or item.echo is not None or item.is_denied_by(ref):
            item = self.new(ref)
        self.last = item
