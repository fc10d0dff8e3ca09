"""Compares the whole texts that upstream repeats with the streamed ones. Pure.

`align` compares the parts of a channel with the whole texts of `done` events or of the
final response. It returns an `Echo` for each, with what is missing. The names of items
and parts decide which belong together. If the names do not fit, the texts decide: some
servers count differently in deltas and at the end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.upstream.channel import Number, Part
from app.upstream.items import NAMELESS, Item, Ref

MAX_SEARCHED = 100  # parts and whole texts compared by text; the work is their product


@dataclass(frozen=True, eq=False, slots=True)
class Whole:
    """The whole text of one part.

    `ref` and `number` are upstream's names; `item` has that name, if any.
    """

    text: str
    number: Number
    ref: Ref = NAMELESS
    item: Item | None = None
    annotations: Sequence[object] = ()


@dataclass(eq=False, slots=True)
class Echo:
    """A whole text, how many of its characters were streamed, and where they are.

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
        """Returns the part that the missing text continues."""
        return self.runs[-1][1] if self.runs else None

    def take(self, part: Part, rest: str) -> str:
        """Finds `rest`, the end of a part, in the whole text.

        Returns what of it is not there.
        """
        common = overlap(rest, self.missing)
        if common is None:
            return rest
        self.runs.append((self.found + common.begin, part, part.length - len(rest) + common.inside))
        self.found += common.found
        return rest[common.known :]

    def finish(self, part: Part) -> str:
        """Returns the missing text, which becomes the end of the part."""
        missing = self.missing
        self.runs.append((self.found, part, part.length))
        self.found = len(self.whole.text)
        return missing

    def absorb(self, part: Part) -> None:
        """Accepts a whole text that differs from its part: what was streamed stays."""
        self.runs.append((0, part, 0))
        self.found = len(self.whole.text)

    def place(self, offset: int) -> int | None:
        """Returns the offset in the channel of an offset in the whole
        text; None if it was not streamed.
        """
        for begin, part, inside in reversed(self.runs):
            if begin <= offset or begin == self.runs[0][0]:
                return part.place(inside + offset - begin) if part.length else None
        return None


@dataclass(frozen=True, slots=True)
class Overlap:
    """`streamed[inside:known]` equals `repeated[begin:found]`,
    except for white space around it.
    """

    inside: int
    known: int
    begin: int
    found: int


def overlap(streamed: str, repeated: str) -> Overlap | None:
    """Returns the common part if one text begins with the other; None if they differ.

    White space at either end is ignored: some servers trim what they repeat.
    """
    shorter = min(streamed, repeated, key=len)
    if streamed.startswith(shorter) and repeated.startswith(shorter):
        return Overlap(0, len(shorter), 0, len(shorter))
    inner, outer = streamed.strip(), repeated.strip()
    if not inner or not outer:
        return None
    inside, begin = streamed.index(inner), repeated.index(outer)
    if inner.startswith(outer):
        return Overlap(inside, len(streamed) if inner == outer else inside + len(outer), begin, len(repeated))
    if outer.startswith(inner):
        return Overlap(inside, len(streamed), begin, begin + len(inner))
    return None


def align(parts: Sequence[Part], wholes: Sequence[Whole], *, final: bool) -> list[Echo]:
    """Returns an echo for each whole text.

    If `final`, there are no other whole texts, so a part without an echo differs from
    its own.
    """
    rest = {part: part.text for part in parts}
    named = {(part.item, part.number): part for part in parts}
    echoes = [Echo(whole) for whole in wholes]
    for echo in echoes:
        part = _namesake(echo, named)
        if part and (rest[part] or not part.length):
            rest[part] = echo.take(part, rest[part])
    left = [part for part in parts if rest[part]]
    for echo in [echo for echo in echoes if echo.missing][:MAX_SEARCHED]:
        for part in left[:MAX_SEARCHED]:
            if rest[part] and _may_match(echo, rest[part], final=final):
                rest[part] = echo.take(part, rest[part])
    if final:
        _absorb(echoes, named, [part for part in left if rest[part].strip() and rest[part] == part.text])
    return echoes


Named = Mapping[tuple[Item, Number], Part]


def _namesake(echo: Echo, named: Named) -> Part | None:
    whole = echo.whole
    return named.get((whole.item, whole.number)) if whole.item else None


def _may_match(echo: Echo, rest: str, *, final: bool) -> bool:
    """Whether the match is long enough: without fitting names,
    a short one may be a coincidence.
    """
    if echo.runs:
        return echo.missing.startswith(rest)
    return final or len(rest.strip()) <= len(echo.missing)


def _absorb(echoes: Sequence[Echo], named: Named, orphans: list[Part]) -> None:
    lost = [echo for echo in echoes if not echo.runs and echo.missing.strip()]
    for echo in lost:
        part = _namesake(echo, named)
        if part in orphans:
            echo.absorb(part)
            orphans.remove(part)
    for echo, part in zip([echo for echo in lost if not echo.runs], orphans, strict=False):
        echo.absorb(part)
