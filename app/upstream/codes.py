"""Codes of upstream in a form that is safe for a client and for a log line. Pure."""

import re

MAX_CODE = 64  # characters
_CODE = re.compile(r"[a-z0-9_.-]+")


def code_of(value: object) -> str | None:
    """Returns the value as a code of `[a-z0-9_.-]{1,64}`,
    or None if it has no such form.

    Integers become digits, and a code that is too long is cut. Text of any other form
    is dropped as a whole: a part of it could pass for a known code.
    """
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**MAX_CODE:
        value = str(value)
    if not isinstance(value, str):
        return None
    code = value.lower()
    return code[:MAX_CODE] if _CODE.fullmatch(code) else None
