"""Which output item an upstream event means: by its index, its id or the order of events. Pure.

Compatible servers leave out indexes, ids or both, count every item as the first, or invent a
new id for each event.
"""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Ref:
    """What an event calls an item: its index in the output and its id. Either may be missing."""

    index: int | None = None
    id: str | None = None

    @classmethod
    def of(cls, index: object, item_id: object) -> Self:
        """From JSON: anything but an integer and a text counts as missing."""
        known = index if isinstance(index, int) and not isinstance(index, bool) else None
        return cls(known, item_id if isinstance(item_id, str) and item_id else None)


NAMELESS = Ref()


class Item:
    """One output item. `echo` is its text as its `done` event repeated it, None before that."""

    __slots__ = ("echo", "id", "index")

    def __init__(self) -> None:
        self.index: int | None = None
        self.id: str | None = None
        self.echo: str | None = None

    def is_named_by(self, ref: Ref) -> bool:
        """True if the event names the item's id."""
        return self.id is not None and ref.id == self.id

    def is_denied_by(self, ref: Ref) -> bool:
        """True if the event names another id than the item's."""
        return self.id is not None and ref.id is not None and ref.id != self.id


class Items:
    """The output items of one answer. `last` is the one that the newest event meant."""

    def __init__(self) -> None:
        self.last: Item | None = None
        self._by_index: dict[int, Item] = {}
        self._by_id: dict[str, Item] = {}

    def find(self, ref: Ref) -> Item | None:
        """The item of this name. The index decides; the id does if there is no index to compare."""
        if ref == NAMELESS:
            return self.last
        named = self._by_id.get(ref.id) if ref.id is not None else None
        if ref.index is None:
            return named
        return self._by_index.get(ref.index) or (named if named and named.index is None else None)

    def find_by_id(self, ref: Ref) -> Item | None:
        """The item of this id, else of this index: a final response may leave items out."""
        return (self._by_id.get(ref.id) if ref.id is not None else None) or self.find(ref)

    def new(self, ref: Ref) -> Item:
        """Another item. From now on the name means it, and no earlier item."""
        item = Item()
        self.bind(item, Ref(0) if ref == NAMELESS and not self._by_index else ref)
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
        """Upstream begins an item. Its name may have been used before."""
        item = None if ref == NAMELESS else self.find(ref)
        if item is None or item.echo is not None or item.is_denied_by(ref):
            item = self.new(ref)
        self.last = item
