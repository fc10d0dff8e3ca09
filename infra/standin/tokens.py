"""Text in token-like pieces, for streaming and for usage.

The pieces join to exactly the text. A piece is a word with the space before it, of at
most eight letters, or up to four ASCII signs, or white space, or one other character.
"""

import re

_PIECE = re.compile(r" ?[A-Za-z0-9]{1,8}|[!-/:-@\[-`{-~]{1,4}|\s+|.", re.DOTALL)


def tokens(text: str) -> list[str]:
    """Returns the pieces of `text`, in order."""
    return _PIECE.findall(text)
