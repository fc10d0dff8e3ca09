"""The store's objects as items of DynamoDB, and back. Pure.

    pk                           sk                  what              attributes
    T#<owner>#<turn>             HEAD                a turn's head     o r c p m q i t e
    T#<owner>#<turn>             LOG#<slot>          a batch           d w l f g
                                                     request to stop   s (also later)
                                                     fence of deletion k
    CONV#<owner>#<conversation>  AT#<created>#<turn> one of its turns
    USER#<owner>                 CONV#<id>           a conversation    h t u n

`u` is the sort key of the index. `s` may be set before the batch, and stays after it.
Every item has `v`, the version of these items, and `x`, the whole second at which it
expires. A turn's `expires_at`, rounded up, is its generation. It distinguishes the turn
from an expired or deleted turn with the same id. It is the `x` of all its items, unless
they expire early: then `k` of a deleted turn's end, or `g` of a batch, holds the
generation. `s` holds the generation whose producer is to stop. Names are short because
DynamoDB charges for each kilobyte of an item, names included.

Version 0.1.0 used only the turn's id: TURN#<turn> is the partition of such a turn, and
the sort key of its reference. These items are read, continued and deleted, but not
created any more. `v` is the same, because an older program refuses a higher one.
"""

import math
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

from app.store import Batch, Conversation, StoreRefusedError, TurnHead

VERSION = 1
INDEX = "updated"  # the local secondary index; its sort key is `u`
EXPIRY = "x"
Key = tuple[str, str]
Values = dict[str, Any]  # attributes by name: str, bytes, bool, int or float
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
_TIME = struct.Struct(">d")


class Reference(NamedTuple):
    """A turn in its conversation.

    References sort as their turns do: by time, then by id.
    """

    created_at: float
    turn_id: str
    has_old_keys: bool = False


def head_key(owner: str, turn_id: str, *, has_old_keys: bool = False) -> Key:
    return f"TURN#{turn_id}" if has_old_keys else f"T#{_escape(owner)}#{turn_id}", "HEAD"


def log_key(turn: TurnHead, slot: int) -> Key:
    partition, _ = head_key(turn.owner, turn.turn_id, has_old_keys=turn.has_old_keys)
    return partition, log_sort_key(slot)


def log_sort_key(slot: int) -> str:
    return f"LOG#{slot:08}"


def reference_key(owner: str, conversation_id: str, reference: Reference) -> Key:
    created_at, turn_id, has_old_keys = reference
    # the bytes of non-negative doubles sort by value
    sort = f"TURN#{turn_id}" if has_old_keys else f"AT#{_TIME.pack(created_at).hex()}#{turn_id}"
    return f"CONV#{_escape(owner)}#{conversation_id}", sort


def conversation_key(owner: str, conversation_id: str) -> Key:
    return f"USER#{owner}", f"CONV#{conversation_id}"


def id_of(values: Values) -> str:
    """The id, or the slot, in the sort key."""
    _, _, name = values["sk"].partition("#")
    return str(name)


def to_reference(values: Values) -> Reference:
    """A reference that this version made."""
    time, _, turn_id = id_of(values).partition("#")
    (created_at,) = _TIME.unpack(bytes.fromhex(time))
    return Reference(created_at, turn_id)


def reference_of(turn: TurnHead) -> Reference:
    return Reference(turn.created_at, turn.turn_id, turn.has_old_keys)


def key_of(values: Values) -> Key:
    return values["pk"], values["sk"]


def expiry(turn: TurnHead) -> int:
    """The turn's generation."""
    return math.ceil(turn.expires_at)


def is_alive(values: Values, now: float) -> bool:
    return bool(values["x"] > now)


def head_values(turn: TurnHead) -> Values:
    values = {name: getattr(turn, field) for name, field in _HEAD.items()}
    return values | {"x": expiry(turn)}


def to_head(values: Values) -> TurnHead:
    kind, _, name = values["pk"].partition("#")
    has_old_keys = kind == "TURN"
    turn_id = name if has_old_keys else name.partition("#")[2]
    fields: dict[str, Any] = {field: values.get(name) for name, field in _HEAD.items()}
    return TurnHead(turn_id=turn_id, has_old_keys=has_old_keys, **fields)


def to_batch(values: Values) -> Batch:
    return Batch(int(id_of(values)), values["d"], values["w"], values["l"], values["f"])


def to_conversation(owner: str, values: Values) -> Conversation:
    return Conversation(id_of(values), owner, values["h"], values["t"], values["u"])


def to_key(key: Key) -> Item:
    """Returns a key in DynamoDB's form."""
    partition, sort = key
    return {"pk": {"S": partition}, "sk": {"S": sort}}


def to_item(key: Key, values: Values) -> Item:
    """Returns a whole item."""
    return to_key(key) | encode(values | {"v": VERSION})


def encode(values: Mapping[str, Any]) -> Item:
    """Returns attributes in DynamoDB's form, without those that are None."""
    return {name: _to_attribute(value) for name, value in values.items() if value is not None}


def decode(item: Item) -> Values:
    """Returns an item's values.

    Raises StoreRefusedError if a newer version wrote it.
    """
    values: Values = {name: _from_attribute(attribute) for name, attribute in item.items()}
    if values.get("v", VERSION) > VERSION:
        raise StoreRefusedError(f"an item of version {values['v']:.0f}, of a newer Rivulet; this one knows {VERSION}")
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


def _escape(owner: str) -> str:
    """Escapes '#', so that no two pairs of owner and id share a key."""
    return owner.replace("%", "%25").replace("#", "%23")
