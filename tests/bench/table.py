"""What is printed: a line for each figure, a column for each contestant, and how ours keeps to its limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

OURS = "ours"


@dataclass(frozen=True)
class Limit:
    """What ours may be at most (or must be at least, where `least`): times what `of` is, or in the figure's unit."""

    value: float
    of: str | None = None
    least: bool = False

    def verdict(self, values: Mapping[str, float]) -> str:
        """Empty where there is nothing to compare with."""
        if self.of is not None and self.of not in values:
            return ""
        found = values[OURS] / (values[self.of] if self.of else 1)
        kept = found >= self.value if self.least else found <= self.value
        times = f"{found:.2f} x {self.of}, " if self.of else ""
        return f"{times}at {'least' if self.least else 'most'} {self.value:g}: {'yes' if kept else 'NO'}"


@dataclass(frozen=True)
class Line:
    """One figure; `values` by contestant."""

    text: str
    values: Mapping[str, float]
    limits: Sequence[Limit] = ()
    digits: int = 1


def show(lines: Sequence[Line], columns: Sequence[str]) -> str:
    """The table."""
    width = max(len(line.text) for line in lines) + 1
    head = " " * width + "".join(f"{column:>15}" for column in columns)
    return "\n".join([head, *(row(line, columns, width) for line in lines)])


def row(line: Line, columns: Sequence[str], width: int) -> str:
    cells = (f"{line.values[c]:15.{line.digits}f}" if c in line.values else f"{'-':>15}" for c in columns)
    verdicts = filter(None, (limit.verdict(line.values) for limit in line.limits))
    return f"{line.text:{width}}{''.join(cells)}   {'; '.join(verdicts)}".rstrip()
