"""What upstream is told of a conversation: the path from a new question back towards its root.

The path is walked from its newest turn, and ends where the next turn does not fit any more. So the reads are bounded by
what is sent, not by the length of the conversation. A turn without an answer is left out: several model templates
refuse two user items in a row.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Self

from app.contract import Turn
from app.store import Store, TurnHead
from app.upstream.prompt import Item

MAX_TURNS = 200  # read for one question; each costs a round trip to the store
MAX_COUNTED = 10  # omitted turns, each of which costs a round trip as well
ReadTurn = Callable[[TurnHead], Awaitable[Turn]]


@dataclass(frozen=True)
class History:
    """Input for upstream, the newest question last.

    `omitted` is how many of the oldest turns were left out for their length, counted up to MAX_COUNTED. `asked_after`
    is when the newest turn before the question was created.
    """

    items: tuple[Item, ...]
    omitted: int = 0
    asked_after: float = 0.0

    @classmethod
    def of(cls, message: str) -> Self:
        """A first question."""
        return cls((Item("user", message),))


async def history(store: Store, newest: TurnHead | None, message: str, limit: int, read: ReadTurn) -> History:
    """What is told before and with `message`, if `newest` is the turn that it follows; `limit` is in characters.

    The question itself is always told. An ancestor that is gone (it has expired) ends the path there. Raises
    StoreUnavailableError, and what `read` raises.
    """
    exchanges: list[list[Item]] = []
    left = limit - len(message)
    head, walked = newest, 0
    while head is not None and walked < MAX_TURNS and len(head.message) <= left:
        turn, parent = await asyncio.gather(read(head), parent_of(store, head))
        exchange = exchange_of(turn)
        left -= sum(len(item.text) for item in exchange)
        if left < 0:
            break
        exchanges.append(exchange)
        head, walked = parent, walked + 1
    items = [item for exchange in reversed(exchanges) for item in exchange]
    omitted = await _count_path(store, head)
    return History((*items, Item("user", message)), omitted, newest.created_at if newest else 0.0)


async def parent_of(store: Store, head: TurnHead) -> TurnHead | None:
    """The turn that this one follows; None for a root, and if it is gone."""
    if head.parent_turn_id is None:
        return None
    parent = await store.head(head.owner, head.parent_turn_id)
    return parent if parent and parent.conversation_id == head.conversation_id else None


def exchange_of(turn: Turn) -> list[Item]:
    """Question and answer; nothing if there is no answer."""
    answer = turn.text + turn.refusal
    return [Item("user", turn.message), Item("assistant", answer)] if answer.strip() else []


async def _count_path(store: Store, head: TurnHead | None) -> int:
    count = 0
    while head is not None and count < MAX_COUNTED:
        count += 1
        head = await parent_of(store, head)
    return count
