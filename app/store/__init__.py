"""The port to what remembers: conversations, their turns, and each turn's log.

**The log is the truth.** A turn's answer lies in batches, numbered from 0 by `slot`. A batch is appended by claiming
its slot, which can be done once: whoever finds it taken has lost the turn to another. A batch carries the lease of the
producer; the last one of a turn is `final`. So one conditional write appends, renews the lease and, since a request to
stop lies in the slot that comes next, reads that back. Whoever finds the lease run out claims the next slot with an
end of his own, and has thereby fenced the producer.

Nothing is read, modified and written: every change is one conditional write. A user reaches only what is his: what
belongs to another owner is None or False, as if it did not exist, and so is what has expired, and an id that is empty
or longer than a stored one can be. Times are seconds since the epoch. Every method may raise StoreUnavailableError
(after its own bounded retries), and then nothing, or all of the change, has been done: the same call may be made again.
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

    Access is denied, credentials are missing or expired, the table is missing, the file is
    damaged or read-only.
    """


class StoreSetupError(Exception):
    """A store cannot be opened as it is configured; the text says what is wrong. Raised while it is made, not later."""


class SlotTakenError(Exception):
    """Another batch lies in this slot, or the turn is gone (deleted, expired): whoever wanted to append is no longer
    this turn's producer.
    """


@dataclass(frozen=True)
class TurnHead:
    """What a turn was asked, which never changes. `producer` names who created it and alone may produce its answer.
    `turn_id` is unique for its owner.
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
    """Set by the store: version 0.1.0 stored the turn in DynamoDB, under keys without its owner."""


@dataclass(frozen=True)
class Batch:
    """A piece of a turn's log. `data` is opaque to the store, MAX_BATCH_BYTES at most; `writer` says who appends it.

    A final batch may bring `expires_at`, a time before the turn's own: the turn expires then instead, with its log,
    and so does its conversation if it has no other turn. It is not returned by reads.
    """

    slot: int
    data: bytes
    writer: str
    lease_until: float
    final: bool = False
    expires_at: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Conversation:
    """One line of the list. `updated_at` is when its newest turn was created. It lives as long as any of its turns."""

    conversation_id: str
    owner: str
    title: str
    created_at: float
    updated_at: float


@dataclass(frozen=True)
class Page:
    """A part of a list, and where it goes on: `cursor` is None at the end, and opaque."""

    conversations: list[Conversation]
    cursor: str | None


class Store(Protocol):
    """What every store can do. One object serves all requests of a process; it never blocks the event loop."""

    async def create(self, turn: TurnHead, title: str) -> TurnHead:
        """Adds a turn, and its conversation where there is none yet, with this title. Returns the turn that is kept:
        this one, or the owner's turn that had the same id before. A conversation's `updated_at` moves on. A crash
        half-way leaves at most a conversation without this turn; the same call again completes it. Ids of turns and
        conversations are their owner's: the same one of another owner is another. Raises ValueError if an id, a time
        or the texts together are beyond the limits of app.store.rules; nothing is written then.
        """

    async def head(self, owner: str, turn_id: str) -> TurnHead | None:
        """The turn."""

    async def append(self, turn: TurnHead, batch: Batch) -> bool:
        """Claims the batch's slot; True where a request to stop lay in it. The same batch again, by the same writer,
        is the same append (a retry whose first answer was lost), and renews its lease. A batch with `expires_at`
        costs a second write, a third if its turn is the only one of the conversation. Raises SlotTakenError, and
        ValueError where the batch is larger than a batch may be.
        """

    async def batches(self, turn: TurnHead, from_slot: int = 0) -> list[Batch]:
        """The log from a slot on, in order, without a gap; read consistently: what was appended is there."""

    async def stop_requested(self, turn: TurnHead, slot: int) -> bool:
        """Whether a request to stop lies in this slot, which is not claimed yet. Cheaper than a write."""

    async def request_stop(self, turn: TurnHead, slot: int) -> bool:
        """Lays a request to stop into a slot. False where the slot is claimed already: then try the next. True where
        the turn is gone: it goes on no longer.
        """

    async def conversations(self, owner: str, limit: int, cursor: str | None = None) -> Page:
        """The owner's conversations, the last updated first. Raises ValueError for a limit that is not between 1 and
        1000, and for a cursor that is none. One that is updated while somebody pages moves to the front: it may be on
        no page of his.
        """

    async def conversation(self, owner: str, conversation_id: str) -> Conversation | None:
        """The conversation."""

    async def turns(
        self, owner: str, conversation_id: str, *, limit: int | None = None, after: TurnHead | None = None
    ) -> list[TurnHead]:
        """The conversation's turns, oldest first: by `created_at`, then by `turn_id`. An unknown
        conversation has none. `after` is the last turn of the page before: only later turns are returned,
        at most `limit`. Fewer than `limit` turns mean that no later turn exists. Raises ValueError if
        `limit` is less than 1.
        """

    async def rename(self, owner: str, conversation_id: str, title: str) -> bool:
        """Gives it another title. False where there is none. Raises ValueError for a title that is too long."""

    async def delete(self, owner: str, conversation_id: str) -> bool:
        """Deletes it with its turns and their logs. False where there is none. May be repeated until it is all gone.
        Who is producing one of the turns finds his next slot taken.
        """

    async def close(self) -> None:
        """Closes what the store holds open."""
