"""What the routes share with each other, and with whoever holds the server."""

from dataclasses import dataclass, field

from infra.standin.demo import Pace
from infra.standin.gates import Gates
from infra.standin.ledger import Ledger


@dataclass(frozen=True)
class State:
    pace: Pace
    gates: Gates = field(default_factory=Gates)
    ledger: Ledger = field(default_factory=Ledger)

    def clear(self) -> None:
        """Forgets requests and the counts of `times`, and shuts the gates that are open."""
        self.ledger.clear()
        self.gates.shut()
