"""Text in token-like pieces: short enough to watch an answer grow, and a fair count for usage.

In: any text. Out: pieces that join to exactly that text. They are no tokenizer's own: a word with the space before it
in pieces of at most eight letters, up to four signs of ASCII, white space, or one character of anything else.
"""

import re

_PIECE = re.compile(r" ?[A-Za-z0-9]{1,8}|[!-/:-@\[-`{-~]{1,4}|\s+|.", re.DOTALL)


def tokens(text: str) -> list[str]:
    """The pieces of `text`, in order."""
    return _PIECE.findall(text)
