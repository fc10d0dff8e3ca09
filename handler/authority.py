"""Scheme, host and port of a request, from its headers. No I/O.

Clients and chains of proxies write these headers in any form. An unreadable value is
left out and never makes a request fail.

Source: RFC 3986, 3.2 (`host [":" port]`, a port may be empty, an IPv6 address is in
brackets).
"""

import re
from collections.abc import Mapping

_AUTHORITY = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:/?#@\[\]]+)(?::(?P<port>[0-9]*))?")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_PORT = 65535


def scheme_of(headers: Mapping[str, str]) -> str:
    """Returns the scheme that the client used; `https` if it is unknown."""
    scheme = _first(headers.get("x-forwarded-proto", "")).lower()
    return scheme if scheme in _DEFAULT_PORTS else "https"


def server_of(headers: Mapping[str, str], domain: str | None = None) -> tuple[str, int] | None:
    """Returns host, without brackets, and port, as ASGI's `server`.

    `domain` is the host if the headers have none.
    """
    authority = _AUTHORITY.fullmatch(headers.get("host", "").strip()) or _AUTHORITY.fullmatch(domain or "")
    if authority is None:
        return None
    ports = authority["port"] or "", _first(headers.get("x-forwarded-port", ""))
    port = next((int(port) for port in ports if _is_port(port)), _DEFAULT_PORTS[scheme_of(headers)])
    return authority["host"].strip("[]"), port


def _is_port(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,5}", text) is not None and 0 < int(text) <= _MAX_PORT


def _first(values: str) -> str:
    """Returns the first of a list, which belongs to the client's own connection."""
    return values.partition(",")[0].strip()
