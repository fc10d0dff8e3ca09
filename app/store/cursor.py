"""Where a list of conversations goes on, as the opaque text that a client carries. Pure.

The text is base64url (RFC 4648, section 5, without padding) of the time as a big-endian double and the id in UTF-8. It
names a place and no owner: whoever brings it reads on in his own list.
"""

import base64
import struct
from typing import NamedTuple

PATTERN = (
    "^Qd[A-Za-z0-9_-]{8}[ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9_-]"
    "([A-Za-f][A-HQ-Xg-nw-z0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9_-]){11}"
    "[A-Za-f][A-HQ-Xg-nw-z0-3][AEIMQUYcgkosw048]$"
)
"""What `encode` makes of a UUID and a time from 2004 to 2038: 8 bytes, then 36 of ASCII, whose high
bits are zero. Every text of this form is a cursor."""

MAX_ID_BYTES = 512
MIN_TIME = 1e-100  # DynamoDB takes no number between 0 and 1E-130
MAX_TIME = 1e11  # the year 5138
_TIME = struct.Struct(">d")


class Position(NamedTuple):
    """The last conversation of a page."""

    updated_at: float
    conversation_id: str


def encode(position: Position) -> str:
    """The position as a cursor."""
    raw = _TIME.pack(position.updated_at) + position.conversation_id.encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(cursor: str) -> Position:
    """The position that `encode` was given. Raises ValueError for any other text."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        (updated_at,) = _TIME.unpack(raw[: _TIME.size])
        position = Position(updated_at + 0.0, raw[_TIME.size :].decode())  # of two zeros one is a cursor's
    except (ValueError, struct.error):
        raise ValueError("not a cursor") from None
    if not _is_possible(position) or encode(position) != cursor:
        raise ValueError("not a cursor")
    return position


def _is_possible(position: Position) -> bool:
    is_time = position.updated_at == 0 or MIN_TIME <= position.updated_at < MAX_TIME  # NaN is neither
    return is_time and 0 < len(position.conversation_id.encode()) <= MAX_ID_BYTES
