"""A fake store with one conversation of any length, whose
turns are made when they are read.
"""

from dataclasses import dataclass, field
from typing import cast

from app.chat.log_format import encode
from app.contract import End, Event, Start, Status, Text
from app.store import Batch, Conversation, Store, StoreUnavailableError, TurnHead

ID = "0c6d6a2e-3a0c-4a55-8d8f-2b8f5a3a6f10"


@dataclass
class LongConversation:
    """`turns` turns, each after the one before.

    A read of the log of turn number `broken` fails.
    """

    length: int
    message: str = "Hi"
    answer: str = "Hello"
    broken: int | None = None
    heads_read: int = 0
    logs_read: int = 0
    deleted: list[str] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return cast("Store", self)

    def at(self, number: int) -> TurnHead:
        parent = str(number - 1) if number else None
        # a new copy of the message, as a database returns it
        message = f"{number} {self.message}"
        return TurnHead(str(number), "everyone", "p", ID, parent, message, "m", None, float(number), 1e12)

    async def conversation(self, owner: str, conversation_id: str) -> Conversation | None:
        return Conversation(ID, owner, "title", 0.0, 1.0) if conversation_id == ID else None

    async def head(self, owner: str, turn_id: str) -> TurnHead | None:
        del owner
        self.heads_read += 1
        return self.at(int(turn_id))

    async def turns(
        self, owner: str, conversation_id: str, *, limit: int | None = None, after: TurnHead | None = None
    ) -> list[TurnHead]:
        del owner, conversation_id
        first = int(after.turn_id) + 1 if after else 0
        last = self.length if limit is None else min(self.length, first + limit)
        self.heads_read += last - first
        return [self.at(number) for number in range(first, last)]

    async def batches(self, turn: TurnHead, from_slot: int = 0) -> list[Batch]:
        self.logs_read += 1
        if int(turn.turn_id) == self.broken:
            raise StoreUnavailableError("broken")
        start = Start(turn_id=turn.turn_id, conversation_id=ID, model="m")
        events: list[Event] = [start, Text(delta=self.answer), End(status=Status.COMPLETED)]
        return [] if from_slot else [Batch(0, encode(0, events), "p", 0.0, final=True)]

    async def delete(self, owner: str, conversation_id: str) -> bool:
        del owner
        self.deleted.append(conversation_id)
        return conversation_id == ID
