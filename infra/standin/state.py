"""What the routes and the server share."""

from dataclasses import dataclass, field

from infra.standin.demo import Timing
from infra.standin.gates import Gates
from infra.standin.request_log import RequestLog


@dataclass(frozen=True)
class State:
    timing: Timing
    gates: Gates = field(default_factory=Gates)
    log: RequestLog = field(default_factory=RequestLog)

    def reset(self) -> None:
        """Removes requests and the counts of `times`, and shuts open gates."""
        self.log.reset()
        self.gates.shut()
