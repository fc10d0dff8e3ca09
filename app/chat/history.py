"""The history that the model receives: the path from a new
question back towards its root.

The path is read from its newest turn, until the next turn does not fit. So the reads
are bounded by what is sent, not by the length of the conversation. A turn without an
answer is left out: several model templates refuse two user items in a row.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Self

from app.contract import Turn
from app.store import Store, TurnHead
from app.upstream.prompt import Item

MAX_TURNS = 200  # read for one question, each with a round trip to the store
MAX_COUNTED = 10  # omitted turns, each with a round trip as well
ReadTurn = Callable[[TurnHead], Awaitable[Turn]]


@dataclass(frozen=True)
class History:
    """Input for upstream, the newest question last.

    `omitted` is the number of the oldest turns left out for their length, counted up to
    MAX_COUNTED. `asked_after` is when the newest turn before the question was created.
    """

    items: tuple[Item, ...]
    omitted: int = 0
    asked_after: float = 0.0

    @classmethod
    def of(cls, message: str) -> Self:
        """Returns the history of a first question."""
        return cls((Item("user", message),))


async def read_history(store: Store, newest: TurnHead | None, message: str, limit: int, read: ReadTurn) -> History:
    """Returns the history for `message`, which follows the turn
    `newest`; `limit` is in characters.

    The question itself is always part of it. The path ends before an expired turn.
    Raises StoreUnavailableError, and what `read` raises.
    """
    exchanges: list[list[Item]] = []
    left = limit - len(message)
    head, walked = newest, 0
    while head is not None and walked < MAX_TURNS and len(head.message) <= left:
        turn, parent = await asyncio.gather(read(head), _parent(store, head))
        exchange = to_exchange(turn)
        left -= sum(len(item.text) for item in exchange)
        if left < 0:
            break
        exchanges.append(exchange)
        head, walked = parent, walked + 1
    items = [item for exchange in reversed(exchanges) for item in exchange]
    omitted = await _count_path(store, head)
    return History((*items, Item("user", message)), omitted, newest.created_at if newest else 0.0)


async def _parent(store: Store, head: TurnHead) -> TurnHead | None:
    """Returns the turn that this one follows; None for a root, and if it has
    expired.
    """
    if head.parent_turn_id is None:
        return None
    parent = await store.head(head.owner, head.parent_turn_id)
    return parent if parent and parent.conversation_id == head.conversation_id else None


def to_exchange(turn: Turn) -> list[Item]:
    """Returns question and answer; nothing if there is no answer."""
    answer = turn.text + turn.refusal
    return [Item("user", turn.message), Item("assistant", answer)] if answer.strip() else []


async def _count_path(store: Store, head: TurnHead | None) -> int:
    count = 0
    while head is not None and count < MAX_COUNTED:
        count += 1
        head = await _parent(store, head)
    return count
