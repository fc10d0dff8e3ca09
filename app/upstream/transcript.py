"""The answer so far, from whichever events carry it. Pure.

`Transcript` takes deltas, and the parts, items and responses that upstream repeats
whole. It returns events with what is new in them: the text first, then its sources.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.contract import Event, Reasoning, Refusal, Source, Text
from app.upstream.channel import Channel, Number, Part
from app.upstream.citations import Citations
from app.upstream.echo import Echo, Whole, align
from app.upstream.items import Item, Items, Ref
from app.upstream.outputs import Piece, Voice, entries_of, pieces_of_item

Upstream = Mapping[str, Any]
Cited = tuple[Item | None, Ref, Number, object]  # the part of a citation, and the citation


class Transcript:
    """The reasoning, the text, the refusal and the citations of one answer."""

    def __init__(self) -> None:
        self._items = Items()
        self._citations = Citations()
        self._waiting: list[Cited] = []  # citations of text that is not here yet
        self._channels = {
            Voice.REASONING: Channel(Reasoning, breaks_parts=True),
            Voice.TEXT: Channel(Text),
            Voice.REFUSAL: Channel(Refusal),
        }

    def has(self, voice: Voice) -> bool:
        """Whether there is any text that is not white space."""
        return not self._channels[voice].is_blank()

    def say(self, voice: Voice, event: Upstream, counter: str) -> list[Event]:
        """Adds a delta.

        `counter` is the field with the part's number. An empty or invalid delta is
        skipped.
        """
        delta = event.get("delta")
        if not isinstance(delta, str) or not delta:
            return []
        channel = self._channels[voice]
        index, item_id, number = event.get("output_index"), event.get("item_id"), event.get(counter)
        address = (index, item_id, counter, number)
        if address == channel.address:
            return channel.say(delta)
        part = self._part(channel, Ref.of(index, item_id), number_of(counter, number))
        events = channel.turn_to(part) + channel.say(delta)
        channel.address = address
        return events

    def announce(self, ref: Ref) -> None:
        """Begins an item."""
        self._items.announce(ref)
        self._forget_addresses()

    def cite(self, ref: Ref, number: Number, annotation: object) -> list[Source]:
        """Adds a citation in a part, perhaps before the part's text."""
        return self._cite_in((self._items.find(ref), ref, number, annotation))

    def repeat_part(self, kind: str, ref: Ref, piece: Piece) -> list[Event]:
        """Adds the whole text of a part, from an event of this type."""
        channel, item = self._channels[piece.voice], self._items.find(ref)
        part = channel.find(item, piece.number)
        if item and part and part.echoes.get(kind, piece.text) != piece.text:
            # A part is done once. Upstream may give another part the same numbers.
            item = item if item.is_named_by(ref) else self._items.new(ref)
            part = channel.open(item, piece.number)
        scope = [part] if part else [part for part in channel.parts if not part.echoes and part.item.may_be(ref)]
        events, (echo,) = self._settle(channel, scope, [whole_of(piece, ref, item)], final=part is not None)
        if echo.part:
            echo.part.echoes[kind] = piece.text
            channel.name(echo.part, item or echo.part.item, piece.number)
            if item is None:
                self._items.bind(echo.part.item, ref)
        return [*events, *self._cite([echo]), *self._cite_waiting()]

    def repeat_item(self, ref: Ref, json: object) -> list[Event]:
        """Adds a whole item."""
        pieces, item = pieces_of_item(json), self._items.find(ref)
        if not pieces:
            return []
        text = "".join(piece.text for piece in pieces)
        is_another = item is not None and item.echo not in (None, text)  # an item is done once
        if is_another:
            item = self._items.new(ref)
        events: list[Event] = []
        for voice, channel in self._channels.items():
            wholes = [whole_of(piece, ref, item) for piece in pieces if piece.voice is voice]
            own = channel.parts_of(item, [piece.number for piece in pieces]) if item else []
            open_parts = [] if is_another else [part for part in channel.parts if is_open(part, ref)]
            new, echoes = self._settle(channel, own or open_parts, wholes, final=bool(own))
            events += [*new, *(self._cite(echoes) if voice is Voice.TEXT else [])]
            item = item or next((echo.part.item for echo in echoes if echo.part), None)
        if item:
            self._items.bind(item, ref)
            item.echo = text
        return [*events, *self._cite_waiting()]

    def repeat_response(self, response: Upstream) -> list[Event]:
        """Adds the final response."""
        entries = {
            Ref.of(index, item.get("id") if isinstance(item, Mapping) else None): pieces
            for index, (item, pieces) in enumerate(entries_of(response))
        }
        items = self._items.recognise(entries)
        events: list[Event] = []
        for voice, channel in self._channels.items():
            pieces = [(ref, piece) for ref in entries for piece in entries[ref] if piece.voice is voice]
            wholes = [whole_of(piece, ref, items[ref]) for ref, piece in pieces]
            new, echoes = self._settle(channel, channel.parts, wholes, final=True)
            events += [*new, *(self._cite(echoes) if voice is Voice.TEXT else [])]
        return [*events, *self._cite_waiting()]

    def finish(self) -> list[Event]:
        """Ends the answer: halves of characters stay alone."""
        events = [event for channel in self._channels.values() for event in channel.flush()]
        spoken = [part for part in self._channels[Voice.TEXT].parts if part.length]
        if len(spoken) <= 1:  # the only text is the one that they cite
            place = spoken[0].place if spoken else int
            for _, _, _, annotation in self._waiting:
                events += self._citations.take(annotation, place)
        return events

    def _part(self, channel: Channel, ref: Ref, number: Number) -> Part:
        """Returns the part of a delta.

        After its `done` event, the same name means another item or part.
        """
        item = self._items.find(ref)
        part = channel.find(item, number)
        is_done = item is not None and (item.echo is not None or (part is not None and bool(part.echoes)))
        if item is None or (is_done and not item.is_named_by(ref)):
            item = self._items.new(ref)
        if part is None or part.item is not item or part.echoes:
            part = channel.open(item, number)
        self._items.last = item
        return part

    def _settle(
        self, channel: Channel, scope: Sequence[Part], wholes: Sequence[Whole], *, final: bool
    ) -> tuple[list[Event], list[Echo]]:
        """Yields what is missing of the whole texts, in their
        parts or, without one, in a new one.
        """
        self._forget_addresses()
        echoes = align(scope, wholes, final=final)
        homes = {echo.whole.ref: echo.part.item for echo in echoes if echo.part}
        events = channel.settle_half(scope, [echo.part for echo in echoes if echo.missing]) if wholes else []
        for echo in echoes:
            if not echo.missing or not (echo.part or echo.missing.strip()):
                continue
            part = echo.part or channel.open(self._home(homes, echo.whole), echo.whole.number)
            events += [*channel.turn_to(part), *channel.say(echo.finish(part))]
        return events, echoes

    def _home(self, homes: dict[Ref, Item], whole: Whole) -> Item:
        """Returns the item of a whole text that was not streamed,
        unless another item is matched with it.
        """
        if whole.ref not in homes:
            free = whole.item is not None and whole.item not in homes.values()
            homes[whole.ref] = whole.item if whole.item and free else self._items.new(whole.ref)
        return homes[whole.ref]

    def _cite(self, echoes: Iterable[Echo]) -> list[Event]:
        return [
            source
            for echo in echoes
            for annotation in echo.whole.annotations
            for source in self._citations.take(annotation, echo.place)
        ]

    def _cite_waiting(self) -> list[Source]:
        waiting, self._waiting = self._waiting, []
        return [source for cited in waiting for source in self._cite_in(cited)]

    def _cite_in(self, cited: Cited) -> list[Source]:
        """Returns the source of a citation; the citation waits
        if its part has no text yet.
        """
        item, ref, number, annotation = cited
        part = self._channels[Voice.TEXT].find(item or self._items.find(ref), number)
        if part and part.length:
            return self._citations.take(annotation, part.place)
        self._waiting.append(cited)
        return []

    def _forget_addresses(self) -> None:
        for channel in self._channels.values():
            channel.address = None


def number_of(counter: str, value: object) -> Number:
    """Returns the number of a part; 0 if the field is missing,
    because servers leave out zeros.
    """
    return counter, value if isinstance(value, int) and not isinstance(value, bool) else 0


def whole_of(piece: Piece, ref: Ref, item: Item | None) -> Whole:
    return Whole(piece.text, piece.number, ref, item, piece.annotations)


def is_open(part: Part, ref: Ref) -> bool:
    """Whether the part can be of this item: neither it nor its
    own item has had a `done` event yet.
    """
    return not part.echoes and part.item.echo is None and part.item.may_be(ref)
