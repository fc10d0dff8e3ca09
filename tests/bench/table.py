"""The printed table: a line for each figure, a column for each
contestant, and the limits of ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """A maximum of ours (a minimum if `least`), as a factor
    of `of` or in the figure's unit.
    """

    value: float
    of: str | None = None
    least: bool = False

    def verdicts(self, values: Mapping[str, float], judged: Sequence[str]) -> str:
        """Empty if there is nothing to compare with."""
        if self.of is not None and self.of not in values:
            return ""
        times = f" x {self.of}" if self.of else ""
        found = ", ".join(self._verdict(name, values) for name in judged if name in values)
        return f"at {'least' if self.least else 'most'} {self.value:g}{times}: {found}"

    def _verdict(self, name: str, values: Mapping[str, float]) -> str:
        found = values[name] / (values[self.of] if self.of else 1)
        kept = found >= self.value if self.least else found <= self.value
        return f"{name} {f'{found:.2f} ' if self.of else ''}{'yes' if kept else 'NO'}"


@dataclass(frozen=True)
class Line:
    """One figure; `values` by contestant."""

    text: str
    values: Mapping[str, float]
    limits: Sequence[Limit] = ()
    digits: int = 1


def show(lines: Sequence[Line], columns: Sequence[str], judged: Sequence[str]) -> str:
    """Returns the table; the limits count for those `judged`."""
    width = max(len(line.text) for line in lines) + 1
    head = " " * width + "".join(f"{column:>15}" for column in columns)
    return "\n".join([head, *(row for line in lines for row in rows(line, columns, judged, width))])


def rows(line: Line, columns: Sequence[str], judged: Sequence[str], width: int) -> list[str]:
    """Returns the line, with the results of its limits below."""
    cells = (f"{line.values[c]:15.{line.digits}f}" if c in line.values else f"{'-':>15}" for c in columns)
    verdicts = filter(None, (limit.verdicts(line.values, judged) for limit in line.limits))
    return [f"{line.text:{width}}{''.join(cells)}", *(f"    {verdict}" for verdict in verdicts)]
