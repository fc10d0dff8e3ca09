"""The speed at which Lambda streams a response: a burst, then
a number of bytes a second. No I/O.

Source: AWS Lambda Developer Guide, "Response streaming for Lambda functions",
"Bandwidth limits".
"""

from dataclasses import dataclass, field

MIB = 1024 * 1024


@dataclass
class Bandwidth:
    """The allowance of one response: a bucket of tokens, full at the first byte."""

    burst: float = 6 * MIB
    """Bytes that pass without a delay."""
    rate: float = 2 * MIB
    """Bytes a second after the burst."""
    _free_at: float = field(default=float("-inf"), init=False)
    """When the bucket is full again: a pause fills it, at most to the burst."""

    def delay(self, size: int, now: float) -> float:
        """Returns the seconds until `size` more bytes have
        passed, if they arrive `now`.
        """
        self._free_at = max(self._free_at, now) + size / self.rate
        return max(0.0, self._free_at - now - self.burst / self.rate)
