"""Simple models of the port, which the stores are compared with."""

from dataclasses import dataclass, field, replace

from app.store import Batch, Conversation, SlotTakenError, Store, TurnHead
from tests.app.store.makers import DAY, Clock, a_turn

Outcome = bool | type[SlotTakenError]


@dataclass
class LogModel:
    """One turn and its log.

    A deleted or expired turn does not exist until it is created again.
    """

    is_there: bool = False
    log: list[Batch] = field(default_factory=list)
    stops: set[int] = field(default_factory=set)

    def create(self) -> None:
        if not self.is_there:
            self.is_there, self.log, self.stops = True, [], set()

    def delete(self) -> None:
        self.is_there = False

    expire = delete

    def next_slot(self) -> int:
        """Returns the last slot for an append: the end is the last batch."""
        return len(self.log) - 1 if self.log and self.log[-1].final else len(self.log)

    def may_append(self) -> bool:
        """Whether an append makes sense: not to a turn that
        has ended and does not exist.
        """
        return self.is_there or self.next_slot() == len(self.log)

    def append(self, batch: Batch) -> Outcome:
        if not self.is_there:
            return SlotTakenError
        if batch.slot == len(self.log):
            self.log.append(batch)
        elif self.log[batch.slot] != replace(batch, lease_until=self.log[batch.slot].lease_until):
            return SlotTakenError
        self.log[batch.slot] = batch
        return batch.slot in self.stops

    def request_stop(self, slot: int) -> bool:
        if self.is_there and slot < len(self.log):
            return False
        self.stops.add(slot)
        return True

    def stop_requested(self, slot: int) -> bool:
        return self.is_there and slot in self.stops

    def batches(self, from_slot: int) -> list[Batch]:
        return self.log[from_slot:] if self.is_there else []


class StoredLog:
    """The same with a store; the turn is created again one
    second after the one before.
    """

    def __init__(self, store: Store, clock: Clock, owner: str) -> None:
        self._store = store
        self._clock = clock
        self._turn = a_turn(clock, owner)

    async def create(self) -> None:
        self._clock.now += 1
        now = self._clock.now
        self._turn = await self._store.create(replace(self._turn, created_at=now, expires_at=now + DAY), "title")

    async def delete(self) -> None:
        await self._store.delete(self._turn.owner, self._turn.conversation_id)

    async def expire(self) -> None:
        self._clock.now += DAY

    async def append(self, batch: Batch) -> Outcome:
        try:
            return await self._store.append(self._turn, batch)
        except SlotTakenError:
            return SlotTakenError

    async def request_stop(self, slot: int) -> bool:
        return await self._store.request_stop(self._turn, slot)

    async def stop_requested(self, slot: int) -> bool:
        return await self._store.stop_requested(self._turn, slot)

    async def batches(self, from_slot: int) -> list[Batch]:
        return await self._store.batches(self._turn, from_slot)


@dataclass
class ListModel:
    """One owner's conversations and the turns in them."""

    lines: dict[str, Conversation] = field(default_factory=dict)
    turns: dict[str, TurnHead] = field(default_factory=dict)

    def create(self, turn: TurnHead, title: str) -> TurnHead:
        if turn.turn_id in self.turns:
            return self.turns[turn.turn_id]
        name, at = turn.conversation_id, turn.created_at
        line = self.lines.get(name, Conversation(name, turn.owner, title, at, at))
        self.lines[name] = replace(line, updated_at=max(line.updated_at, at))
        self.turns[turn.turn_id] = turn
        return turn

    def rename(self, name: str, title: str) -> bool:
        if name in self.lines:
            self.lines[name] = replace(self.lines[name], title=title)
        return name in self.lines

    def delete(self, name: str) -> bool:
        self.turns = {key: turn for key, turn in self.turns.items() if turn.conversation_id != name}
        return self.lines.pop(name, None) is not None

    def listed(self) -> list[Conversation]:
        return sorted(self.lines.values(), key=lambda line: line.updated_at, reverse=True)

    def turns_of(self, name: str) -> list[TurnHead]:
        found = [turn for turn in self.turns.values() if turn.conversation_id == name]
        return sorted(found, key=lambda turn: (turn.created_at, turn.turn_id))
