"""What upstream is told of a conversation: the path from its root to a new question, cut from the old end. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from app.chat.upstream import Item
from app.contract import Turn
from app.store import TurnHead


@dataclass(frozen=True)
class History:
    """Input for upstream, the newest question last, and how many of the oldest turns were left out of it."""

    items: tuple[Item, ...]
    omitted: int = 0

    @classmethod
    def of(cls, message: str) -> Self:
        """A first question."""
        return cls((Item("user", message),))


def path_to(parent_id: str | None, heads: Mapping[str, TurnHead]) -> list[TurnHead]:
    """The turns from the root to `parent_id`. An ancestor that is gone (it has expired) ends the path there."""
    path: list[TurnHead] = []
    while parent_id is not None and parent_id in heads and heads[parent_id] not in path:
        path.append(heads[parent_id])
        parent_id = heads[parent_id].parent_turn_id
    return path[::-1]


def history(past: Sequence[Turn], message: str, limit: int) -> History:
    """`past` is what was said before `message`, the oldest first; `limit` is in characters.

    The new question is always told; of the turns before it, as many of the newest as fit.
    """
    items = [Item("user", message)]
    left = limit - len(message)
    for number, turn in enumerate(reversed(past)):
        exchange = _exchange(turn)
        left -= sum(len(item.text) for item in exchange)
        if left < 0:
            return History(tuple(items), omitted=len(past) - number)
        items = exchange + items
    return History(tuple(items))


def _exchange(turn: Turn) -> list[Item]:
    said = turn.text + turn.refusal
    return [Item("user", turn.message), *([Item("assistant", said)] if said else [])]
