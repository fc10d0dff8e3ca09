"""AWS_LAMBDA_RUNTIME_API as a value: the host and port of the
Runtime API, and a path if it has one.

Lambda sets `host:port`. Proxies and emulators may add a path, to be put before every
path of the API (`127.0.0.1:9000/.rt/chat`), or write a URL
(`http://127.0.0.1:9000/.rt`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, urlsplit

from handler.errors import InvalidEnvironmentError

RUNTIME_API = "AWS_LAMBDA_RUNTIME_API"

_HTTP_PORT = 80


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of the Runtime API."""

    host: str  # an IPv6 address has no brackets
    port: int
    authority: str  # for the Host header (RFC 9110, 7.2)
    path: str = ""  # empty, or begins with a slash and does not end with one

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Self:
        """Reads AWS_LAMBDA_RUNTIME_API. Raises InvalidEnvironmentError."""
        text = variables.get(RUNTIME_API, "").strip()
        if not text:
            raise InvalidEnvironmentError(f"{RUNTIME_API} is not set: this runs inside Lambda or its emulator.")
        try:
            parts = _split(text)
            return cls(parts.hostname or "", parts.port or _HTTP_PORT, parts.netloc, parts.path.rstrip("/"))
        except ValueError as error:
            raise InvalidEnvironmentError(f"{RUNTIME_API} must be host:port, with or without a path") from error


def _split(text: str) -> SplitResult:
    """Raises ValueError if `text` is not the address of a plain HTTP server."""
    parts = urlsplit(text if "://" in text else f"http://{text}")
    is_plain = text.isascii() and text.isprintable() and not set(" @?#\\") & set(text)
    if parts.scheme != "http" or not parts.hostname or not is_plain:
        raise ValueError(text)
    return parts
