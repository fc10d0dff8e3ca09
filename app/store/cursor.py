"""The position in a list of conversations, as opaque text for a client. Pure.

The text is base64url (RFC 4648, section 5, without padding) of the time as a big-endian
double and the id in UTF-8. It holds a position, not an owner, so it is only ever
applied to the caller's own list.
"""

import base64
import struct
from typing import NamedTuple

# The cursor of a UUID and a time from 2004 to 2038: 8 bytes, then 36 of ASCII, whose
# high bits are zero. Every text of this form is a cursor.
PATTERN = (
    "^Qd[A-Za-z0-9_-]{8}[ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9_-]"
    "([A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9_-]){11}"
    "[A-Za-f][A-HQ-Xg-nw-z0-3][AEIMQUYcgkosw048]$"
)
MAX_ID_BYTES = 512
MIN_TIME = 1e-100  # DynamoDB accepts no number between 0 and 1E-130
MAX_TIME = 1e11  # the year 5138
_TIME = struct.Struct(">d")


class Position(NamedTuple):
    """The last conversation of a page."""

    updated_at: float
    conversation_id: str


def encode(position: Position) -> str:
    """Returns the position as a cursor."""
    raw = _TIME.pack(position.updated_at) + position.conversation_id.encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(cursor: str) -> Position:
    """Returns the position of a cursor. Raises ValueError for any other text."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        (updated_at,) = _TIME.unpack(raw[: _TIME.size])
        position = Position(updated_at + 0.0, raw[_TIME.size :].decode())  # -0.0 is not the time of a cursor
    except (ValueError, struct.error):
        raise ValueError("not a cursor") from None
    if not _is_possible(position) or encode(position) != cursor:
        raise ValueError("not a cursor")
    return position


def _is_possible(position: Position) -> bool:
    is_time = position.updated_at == 0 or MIN_TIME <= position.updated_at < MAX_TIME  # NaN is neither
    return is_time and 0 < len(position.conversation_id.encode()) <= MAX_ID_BYTES
