"""The port to storage: conversations, their turns, and the log of each turn.

**The log is the truth.** A turn's answer is stored in batches, numbered from 0 by
`slot`. A batch is appended by claiming its slot, which succeeds once: a producer that
finds its slot taken has lost the turn. A batch carries the lease of the producer, and
the last batch of a turn is `final`. A request to stop is stored in the next slot. So
one conditional write appends a batch, renews the lease and returns a request to stop. A
reader that sees an expired lease claims the next slot with an `End`; this fences off
the old producer.

Every change is one conditional write; no change is a read followed by a write. A user
reaches only their own data: for another owner's data, for expired data and for an
impossible id the result is None or False, as if it did not exist. Times are in seconds
since the epoch. Every method may raise StoreUnavailableError after its own bounded
retries. Then all of the change or nothing was done, and the same call may be repeated.
"""

from dataclasses import dataclass, field
from typing import Protocol

MAX_BATCH_BYTES = 300 * 1024


class StoreUnavailableError(Exception):
    """The store did not answer or failed: throttling, a full disk, a broken network.

    The text is for the log: the operation, the code or the class of the error, and no
    content.
    """


class StoreRefusedError(StoreUnavailableError):
    """The store refuses until its operator corrects it.

    Access is denied, credentials are missing or expired, the table is missing, the file
    is damaged or read-only.
    """


class StoreSetupError(Exception):
    """A store cannot be opened as configured; the text names what is wrong.

    Raised when the store is created, not later.
    """


class SlotTakenError(Exception):
    """The slot has another batch, or the turn was deleted or has expired.

    The caller is no longer the producer of the turn.
    """


@dataclass(frozen=True)
class TurnHead:
    """The question of a turn, which never changes.

    `producer` names the one producer of its answer. `turn_id` is unique for its owner.
    `has_old_keys` is set by the store: version 0.1.0 stored the turn in DynamoDB, under
    keys without its owner.
    """

    turn_id: str
    owner: str
    producer: str
    conversation_id: str
    parent_turn_id: str | None
    message: str
    model: str
    instructions: str | None
    created_at: float
    expires_at: float
    has_old_keys: bool = field(default=False, compare=False, repr=False)


@dataclass(frozen=True)
class Batch:
    """A piece of a turn's log.

    `data` is opaque to the store and has at most MAX_BATCH_BYTES. `writer` names its
    writer. A final batch may have `expires_at`, a time before the turn's own: then the
    turn expires at that time with its log, and so does its conversation if it has no
    other turn. Reads do not return `expires_at`.
    """

    slot: int
    data: bytes
    writer: str
    lease_until: float
    final: bool = False
    expires_at: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Conversation:
    """One line of the list; `updated_at` is the creation of its newest turn.

    A conversation expires with the last of its turns.
    """

    conversation_id: str
    owner: str
    title: str
    created_at: float
    updated_at: float


@dataclass(frozen=True)
class Page:
    """A part of a list; `cursor` is opaque and continues it, None at the end."""

    conversations: list[Conversation]
    cursor: str | None


class Store(Protocol):
    """What every store does. One object serves a process and never blocks the loop."""

    async def create(self, turn: TurnHead, title: str) -> TurnHead:
        """Adds a turn, and its conversation with this title if it is new.

        Returns the stored turn: this one, or the owner's earlier turn with the same id.
        The conversation's `updated_at` increases. A crash leaves at most a conversation
        without this turn, and the same call completes it. Raises ValueError, and writes
        nothing, if an id, a time or the texts exceed the limits of app.store.rules.
        """

    async def head(self, owner: str, turn_id: str) -> TurnHead | None:
        """Returns the turn."""

    async def append(self, turn: TurnHead, batch: Batch) -> bool:
        """Claims the batch's slot. Returns whether the slot had a request to stop.

        The same batch by the same writer is the same append (a retry), and renews its
        lease. A batch with `expires_at` costs a second write, and a third if its turn
        is the only one of the conversation. Raises SlotTakenError, and ValueError for a
        batch that is too large.
        """

    async def batches(self, turn: TurnHead, from_slot: int = 0) -> list[Batch]:
        """Returns the log from a slot on, in order, up to the first gap.

        The read is consistent.
        """

    async def stop_requested(self, turn: TurnHead, slot: int) -> bool:
        """Whether this unclaimed slot has a request to stop. Cheaper than a write."""

    async def request_stop(self, turn: TurnHead, slot: int) -> bool:
        """Stores a request to stop in a slot.

        Returns False if the slot is claimed: then try the next one. Returns True if the
        turn is gone.
        """

    async def conversations(self, owner: str, limit: int, cursor: str | None = None) -> Page:
        """Returns the owner's conversations, the last updated first.

        Raises ValueError for a limit outside 1 to 1000 and for an invalid cursor. A
        conversation that is updated between two pages may be on neither of them.
        """

    async def conversation(self, owner: str, conversation_id: str) -> Conversation | None:
        """Returns the conversation."""

    async def turns(
        self, owner: str, conversation_id: str, *, limit: int | None = None, after: TurnHead | None = None
    ) -> list[TurnHead]:
        """Returns the conversation's turns by `created_at`, then by `turn_id`.

        With `after`, the last turn of the page before, it returns only later turns.
        Fewer than `limit` turns mean that there are no more. Raises ValueError if
        `limit` is less than 1.
        """

    async def rename(self, owner: str, conversation_id: str, title: str) -> bool:
        """Changes the title. Returns False if there is no such conversation.

        Raises ValueError for a title that is too long.
        """

    async def delete(self, owner: str, conversation_id: str) -> bool:
        """Deletes the conversation with its turns and their logs.

        Returns False if there is none. A failed call may be repeated. A producer of one
        of the turns finds its next slot taken.
        """

    async def close(self) -> None:
        """Closes connections and threads."""
