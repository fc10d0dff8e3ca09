"""Which of the texts that upstream repeats whole have been said, and what is missing. Pure.

`align` compares the parts of a channel with the wholes of `done` events or of the final
response and returns an `Echo` for each whole. The names of items and parts decide which belong
together. If they do not fit, the text does: servers count differently in deltas and at the end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.upstream.channel import Number, Part
from app.upstream.items import NAMELESS, Item, Ref

MAX_SEARCHED = 100  # parts and wholes that are compared by text; the work is their product


@dataclass(frozen=True, eq=False, slots=True)
class Whole:
    """One part, whole. `ref` and `number` are what upstream calls it, `item` is the item of that name, if any."""

    text: str
    number: Number
    ref: Ref = NAMELESS
    item: Item | None = None
    annotations: Sequence[object] = ()


@dataclass(eq=False, slots=True)
class Echo:
    """A whole, how many of its characters have been said, and where they are.

    A run is (offset in the whole, part, offset in the part).
    """

    whole: Whole
    found: int = 0
    runs: list[tuple[int, Part, int]] = field(default_factory=list)

    @property
    def missing(self) -> str:
        return self.whole.text[self.found :]

    @property
    def part(self) -> Part | None:
        """The part that the missing text continues."""
        return self.runs[-1][1] if self.runs else None

    def take(self, part: Part, unheard: str) -> str:
        """Finds `unheard`, the end of a part, in the whole. Returns what of it is not there."""
        common = overlap(unheard, self.missing)
        if common is None:
            return unheard
        self.runs.append((self.found + common.begin, part, part.length - len(unheard) + common.inside))
        self.found += common.found
        return unheard[common.heard :]

    def finish(self, part: Part) -> str:
        """The missing text, which is now to be said as the end of the part."""
        missing = self.missing
        self.runs.append((self.found, part, part.length))
        self.found = len(self.whole.text)
        return missing

    def absorb(self, part: Part) -> None:
        """The whole is the part in other words. What has been said stands."""
        self.runs.append((0, part, 0))
        self.found = len(self.whole.text)

    def place(self, offset: int) -> int | None:
        """The offset in the channel of an offset in the whole; None if nothing of it was said."""
        for begin, part, inside in reversed(self.runs):
            if begin <= offset or begin == self.runs[0][0]:
                return part.place(inside + offset - begin) if part.length else None
        return None


@dataclass(frozen=True, slots=True)
class Overlap:
    """`said[inside:heard]` is `repeated[begin:found]`, except for white space around it."""

    inside: int
    heard: int
    begin: int
    found: int


def overlap(said: str, repeated: str) -> Overlap | None:
    """What two texts have in common if one begins with the other; None if they differ.

    White space at either end is no difference: some servers trim what they repeat.
    """
    shorter = min(said, repeated, key=len)
    if said.startswith(shorter) and repeated.startswith(shorter):
        return Overlap(0, len(shorter), 0, len(shorter))
    inner, outer = said.strip(), repeated.strip()
    if not inner or not outer:
        return None
    inside, begin = said.index(inner), repeated.index(outer)
    if inner.startswith(outer):
        return Overlap(inside, len(said) if inner == outer else inside + len(outer), begin, len(repeated))
    if outer.startswith(inner):
        return Overlap(inside, len(said), begin, begin + len(inner))
    return None


def align(parts: Sequence[Part], wholes: Sequence[Whole], *, final: bool) -> list[Echo]:
    """`final`: the wholes are all there is, so a part without an echo is one of them in other words."""
    unheard = {part: part.text for part in parts}
    named = {(part.item, part.number): part for part in parts}
    echoes = [Echo(whole) for whole in wholes]
    for echo in echoes:
        part = _namesake(echo, named)
        if part and (unheard[part] or not part.length):
            unheard[part] = echo.take(part, unheard[part])
    left = [part for part in parts if unheard[part]]
    for echo in [echo for echo in echoes if echo.missing][:MAX_SEARCHED]:
        for part in left[:MAX_SEARCHED]:
            if unheard[part] and _may_match(echo, unheard[part], final=final):
                unheard[part] = echo.take(part, unheard[part])
    if final:
        _absorb(echoes, named, [part for part in left if unheard[part].strip() and unheard[part] == part.text])
    return echoes


Named = Mapping[tuple[Item, Number], Part]


def _namesake(echo: Echo, named: Named) -> Part | None:
    whole = echo.whole
    return named.get((whole.item, whole.number)) if whole.item else None


def _may_match(echo: Echo, unheard: str, *, final: bool) -> bool:
    """If names do not fit, a short coincidence of texts must not pass for an echo."""
    if echo.runs:
        return echo.missing.startswith(unheard)
    return final or len(unheard.strip()) <= len(echo.missing)


def _absorb(echoes: Sequence[Echo], named: Named, orphans: list[Part]) -> None:
    lost = [echo for echo in echoes if not echo.runs and echo.missing.strip()]
    for echo in lost:
        part = _namesake(echo, named)
        if part in orphans:
            echo.absorb(part)
            orphans.remove(part)
    for echo, part in zip([echo for echo in lost if not echo.runs], orphans, strict=False):
        echo.absorb(part)
