"""How fast Lambda streams a response: a burst at once, then so many bytes each second. No I/O.

Source: AWS Lambda Developer Guide, "Response streaming for Lambda functions", "Bandwidth limits".
"""

from dataclasses import dataclass, field

MIB = 1024 * 1024


@dataclass
class Bandwidth:
    """The allowance of one response: a bucket of tokens, full at the first byte."""

    burst: float = 6 * MIB
    """Bytes that pass without a delay."""
    rate: float = 2 * MIB
    """Bytes each second after that."""
    _free_at: float = field(default=float("-inf"), init=False)
    """When the bucket is full again: a pause fills it up, but never beyond the burst."""

    def delay(self, size: int, now: float) -> float:
        """Seconds until so many bytes more have passed, if they are there `now`."""
        self._free_at = max(self._free_at, now) + size / self.rate
        return max(0.0, self._free_at - now - self.burst / self.rate)
