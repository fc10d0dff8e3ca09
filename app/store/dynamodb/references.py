"""The turns of a conversation and their order, in DynamoDB. All functions block.

A reference leads to a turn's head, and the head decides. After a failed `create` a
reference leads to no turn, or to one of another conversation or time.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import chain, islice

from app.store import TurnHead
from app.store.dynamodb.items import (
    Key,
    Reference,
    Values,
    head_key,
    id_of,
    is_alive,
    reference_key,
    reference_of,
    to_head,
    to_reference,
)
from app.store.dynamodb.table import GET_AT_MOST, Table

_TIMES = {"ProjectionExpression": "pk, t, x, v"}


@dataclass(frozen=True)
class References:
    """The references of one conversation that have not expired by `now`."""

    table: Table
    owner: str
    conversation_id: str
    now: float

    def in_order(self, after: Reference | None, at_once: int) -> Iterator[Reference]:
        """Returns the oldest first, after one if it is given,
        and reads pages on demand.
        """
        old = (each for each in self._old_in_order() if after is None or each > after)
        return merge(self._new(after, {"Limit": at_once}), old)

    def in_any_order(self) -> Iterator[Reference]:
        """Returns all references, also of missing turns.

        Those of 0.1.0 have the time 0.
        """
        return chain(self._new(), self._old())

    def with_heads(
        self, references: Iterable[Reference], at_once: int = GET_AT_MOST
    ) -> Iterator[tuple[Reference, TurnHead | None]]:
        """Returns the references in the same order, each with its head."""
        remaining = iter(references)
        while some := list(islice(remaining, at_once)):
            keys = [self.head_key(reference) for reference in some]
            heads = self.table.get_many(list(dict.fromkeys(keys)))
            found = {head["pk"]: to_head(head) for head in heads if is_alive(head, self.now)}
            yield from zip(some, (found.get(partition) for partition, _ in keys), strict=True)

    def head_key(self, reference: Reference) -> Key:
        """Returns the key of a reference's head."""
        return head_key(self.owner, reference.turn_id, has_old_keys=reference.has_old_keys)

    def is_of(self, turn: TurnHead, reference: Reference) -> bool:
        """Whether the reference belongs to this turn."""
        is_same_time = reference.has_old_keys or turn.created_at == reference.created_at
        return turn.conversation_id == self.conversation_id and turn.owner == self.owner and is_same_time

    def delete(self, references: Iterable[Reference]) -> None:
        self.table.delete_many([reference_key(self.owner, self.conversation_id, each) for each in references])

    def _new(self, after: Reference | None = None, options: dict[str, object] | None = None) -> Iterator[Reference]:
        first = "AT#" if after is None else self._key(after._replace(has_old_keys=False))[1]
        found = self._between(first, "AT$", options)  # "$" comes next after "#"
        return (to_reference(values) for values in found if values["sk"] != first)

    def _old(self) -> Iterator[Reference]:
        found = self._between("TURN#", "TURN$")
        return (Reference(0.0, id_of(values), has_old_keys=True) for values in found)

    def _old_in_order(self) -> list[Reference]:
        """Returns the references of 0.1.0, if any, by the times in their heads."""
        keys = [self.head_key(reference) for reference in self._old()]
        found = self.table.get_many(keys, _TIMES)
        turns = (to_head(values) for values in found if is_alive(values, self.now))
        return sorted(map(reference_of, turns))

    def _between(self, first: str, last: str, options: dict[str, object] | None = None) -> Iterator[Values]:
        partition, _ = self._key(Reference(0.0, ""))
        condition = "pk = :pk AND sk BETWEEN :first AND :last"
        found = self.table.query(condition, options, pk=partition, first=first, last=last)
        return (values for values in found if is_alive(values, self.now))

    def _key(self, reference: Reference) -> Key:
        return reference_key(self.owner, self.conversation_id, reference)
