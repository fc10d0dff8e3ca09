"""What the store's objects are as items of DynamoDB, and back. Pure.

    pk                             sk              what it is            attributes
    TURN#<turn>                    HEAD            a turn's head         o r c p m q i t e
    TURN#<turn>                    LOG#<slot>      a batch               d w l f
                                                   a request to stop     s, before the batch comes and after it
                                                   a deleted turn's end  k
    CONV#<owner>#<conversation>    TURN#<turn>     a turn of it
    USER#<owner>                   CONV#<id>       a conversation        h t u n; by `u` in the index

Every item has `v`, the version of this table of items, and `x`, the whole second at which it expires. All items of a
turn have the same `x`, which tells it from an expired or deleted turn of the same id: `s` and `k` hold the `x` of the
turn that they are meant for (and an item with `k` alone expires sooner). Names are short because DynamoDB charges for
each kilobyte of an item, names included.
"""

import math
from collections.abc import Mapping
from typing import Any

from app.store import Batch, Conversation, StoreUnavailableError, TurnHead

VERSION = 1
MAX_ITEM_BYTES = 400 * 1024
MAX_KEY_BYTES = (2048, 1024)  # of the partition key, of the sort key
Key = tuple[str, str]
Values = dict[str, Any]
"""Attributes by name: str, bytes, bool, int or float."""
Item = dict[str, dict[str, Any]]

_HEAD = {
    "o": "owner",
    "r": "producer",
    "c": "conversation_id",
    "p": "parent_turn_id",
    "m": "message",
    "q": "model",
    "i": "instructions",
    "t": "created_at",
    "e": "expires_at",
}
_NUMBER_BYTES = 21  # at most


def head_key(turn_id: str) -> Key:
    return f"TURN#{turn_id}", "HEAD"


def log_key(turn_id: str, slot: int) -> Key:
    return f"TURN#{turn_id}", f"LOG#{slot:08}"


def reference_key(owner: str, conversation_id: str, turn_id: str) -> Key:
    # escaped, so that no owner and conversation have the key of another pair
    escaped = owner.replace("%", "%25").replace("#", "%23")
    return f"CONV#{escaped}#{conversation_id}", f"TURN#{turn_id}"


def conversation_key(owner: str, conversation_id: str) -> Key:
    return f"USER#{owner}", f"CONV#{conversation_id}"


def id_of(values: Values) -> str:
    """The id, or the slot, in the sort key."""
    _, _, name = values["sk"].partition("#")
    return str(name)


def key_of(values: Values) -> Key:
    return values["pk"], values["sk"]


def expiry(turn: TurnHead) -> int:
    """The turn's `x`."""
    return math.ceil(turn.expires_at)


def is_alive(values: Values, now: float) -> bool:
    return bool(values["x"] > now)


def head_values(turn: TurnHead) -> Values:
    values = {name: getattr(turn, field) for name, field in _HEAD.items()}
    return values | {"x": expiry(turn)}


def to_head(values: Values) -> TurnHead:
    turn_id = values["pk"].removeprefix("TURN#")
    fields: dict[str, Any] = {field: values.get(name) for name, field in _HEAD.items()}
    return TurnHead(turn_id=turn_id, **fields)


def to_batch(values: Values) -> Batch:
    return Batch(int(id_of(values)), values["d"], values["w"], values["l"], values["f"])


def to_conversation(owner: str, values: Values) -> Conversation:
    return Conversation(id_of(values), owner, values["h"], values["t"], values["u"])


def to_key(key: Key) -> Item:
    """A key as DynamoDB takes it. Raises ValueError where an id is too long for one."""
    for part, limit in zip(key, MAX_KEY_BYTES, strict=True):
        if len(part.encode()) > limit:
            raise ValueError(f"an id makes a key of more than {limit} bytes: DynamoDB takes no more")
    partition, sort = key
    return {"pk": {"S": partition}, "sk": {"S": sort}}


def to_item(key: Key, values: Values) -> Item:
    """A whole item."""
    return to_key(key) | encode(values | {"v": VERSION})


def check_item(key: Key, values: Values) -> None:
    """Raises ValueError where the item is larger than DynamoDB takes."""
    size = sum(len(name) + _size(value) for name, value in to_item(key, values).items())
    if size > MAX_ITEM_BYTES:
        raise ValueError(f"an item of {size} bytes: DynamoDB takes {MAX_ITEM_BYTES}")


def encode(values: Mapping[str, Any]) -> Item:
    """Attributes as DynamoDB takes them; None is left out."""
    return {name: _to_attribute(value) for name, value in values.items() if value is not None}


def decode(item: Item) -> Values:
    """An item's values. Raises StoreUnavailableError where a newer version of this program has written it."""
    values: Values = {name: _from_attribute(attribute) for name, attribute in item.items()}
    if values.get("v", VERSION) > VERSION:
        raise StoreUnavailableError(
            f"an item of version {values['v']:.0f}, of a newer Rivulet; this one knows {VERSION}"
        )
    return values


def _to_attribute(value: object) -> dict[str, Any]:
    match value:
        case bool():
            return {"BOOL": value}
        case int() | float():
            return {"N": repr(value)}
        case bytes():
            return {"B": value}
    return {"S": value}


def _from_attribute(attribute: dict[str, Any]) -> object:
    ((kind, value),) = attribute.items()
    return float(value) if kind == "N" else value


def _size(attribute: dict[str, Any]) -> int:
    ((kind, value),) = attribute.items()
    match kind:
        case "S":
            return len(value.encode())
        case "B":
            return len(value)
    return _NUMBER_BYTES
