"""Half surrogates in text from JSON (RFC 8259, section 8.2). Pure.

JSON can escape one half of a UTF-16 surrogate pair, which UTF-8 cannot encode. Servers
that slice text by UTF-16 units send the halves of one character in two deltas.
"""

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def well_formed(text: str) -> str:
    """Returns the text with each pair of halves joined and
    each lone half replaced by U+FFFD.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def split_half(text: str) -> tuple[str, str]:
    """Returns the text without a first half at its end, and
    that half, for the next delta.
    """
    if "\ud800" <= text[-1:] <= "\udbff":
        return text[:-1], text[-1]
    return text, ""
