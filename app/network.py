"""The environment's variables for outgoing requests: proxies and certificate
authorities.

Libraries read HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and
SSL_CERT_DIR, each in a different way. This module reads them once for the client of the
Responses API. It raises ConfigurationError, which names the variable and never its
value: the URL of a proxy may have a password.
"""

import ipaddress
import os
import re
import ssl
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from app.settings import ConfigurationError, Settings

OPENAI_URL = "https://api.openai.com/v1"
PROXIES = ("http_proxy", "https_proxy", "all_proxy")
DEFAULT_PORTS = {"http": 80, "https": 443}
SOCKS = frozenset({"socks4", "socks4a", "socks5", "socks5h"})


def check_network(settings: Settings, environ: Mapping[str, str] = os.environ) -> None:
    """Raises ConfigurationError if a proxy or a certificate
    authority cannot be used.
    """
    for name in PROXIES:
        if found := _read(environ, name):
            _proxy_url(*found)
    proxy_for(base_url(settings), environ)
    authorities(environ)


def base_url(settings: Settings) -> str:
    """Returns the base URL of the Responses API."""
    return settings.openai_base_url or OPENAI_URL


def proxy_for(url: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """Returns the URL of the proxy for `url`, or None.

    Loopback addresses have no proxy.
    """
    target = urlsplit(url)
    found = _read(environ, f"{target.scheme.lower()}_proxy") or _read(environ, "all_proxy")
    if found is None or _is_loopback(target.hostname or "") or _is_exempt(target, environ):
        return None
    proxy = _proxy_url(*found)
    if urlsplit(proxy).scheme in SOCKS:
        raise ConfigurationError(f"{found[0]}: SOCKS proxies are not supported; use an http:// or https:// proxy")
    return proxy


def authorities(environ: Mapping[str, str] = os.environ) -> ssl.SSLContext | None:
    """Returns the certificate authorities of the
    environment; None for the system's own.
    """
    file, directory = _read(environ, "SSL_CERT_FILE"), _read(environ, "SSL_CERT_DIR")
    if directory and not file:
        _check_directories(*directory)
    if not file:
        return ssl.create_default_context(capath=directory[1]) if directory else None
    try:
        return ssl.create_default_context(cafile=file[1], capath=directory[1] if directory else None)
    except (OSError, ValueError) as error:  # SSLError is an OSError
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or "unusable"
        raise ConfigurationError(f"{file[0]}: must be a file of PEM certificates ({reason})") from None


def _read(environ: Mapping[str, str], name: str) -> tuple[str, str] | None:
    """Returns the variable's name as it is set, and its value.

    A blank value counts as not set.
    """
    for spelling in (name, name.upper()):
        if value := environ.get(spelling, "").strip():
            return spelling, value
    return None


def _proxy_url(name: str, value: str) -> str:
    """Returns the proxy's URL; `host:port` alone is an HTTP proxy."""
    url = value if "://" in value else f"http://{value}"
    try:
        parts = urlsplit(url)
        is_usable = bool(re.fullmatch(r"[!-~]+", url) and parts.hostname and parts.port != 0)
    except ValueError:  # the port or an IPv6 address
        is_usable = False
    if not is_usable or parts.scheme not in {"http", "https", *SOCKS}:
        raise ConfigurationError(f"{name}: must be http:// or https://, a host and perhaps a port")
    return url


def _is_loopback(host: str) -> bool:
    address = _address(host)
    if address is None:
        return host == "localhost" or host.endswith(".localhost")  # RFC 6761, 6.3
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _is_exempt(target: SplitResult, environ: Mapping[str, str]) -> bool:
    """Whether NO_PROXY has the host: `*`, a domain, an address
    or a network, perhaps with a port.
    """
    _, value = _read(environ, "no_proxy") or ("", "")
    return any(_matches(entry.strip().lower(), target) for entry in value.split(","))


def _matches(entry: str, target: SplitResult) -> bool:
    host = target.hostname or ""
    address = _address(host)
    if entry == "*":
        return True
    if address is not None:
        with suppress(ValueError):  # an address is a network of one
            return address in ipaddress.ip_network(entry, strict=False)
    try:
        named = urlsplit(f"//{entry}")
        port = named.port
    except ValueError:
        return False
    if port is not None and port != (target.port or DEFAULT_PORTS.get(target.scheme)):
        return False
    name = (named.hostname or "").lstrip("*").lstrip(".")
    return bool(name) and (host == name or (address is None and host.endswith(f".{name}")))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _check_directories(name: str, value: str) -> None:
    """Raises ConfigurationError if the directory has no
    certificates in files named by their hash.
    """
    try:
        names = [path.name for part in value.split(os.pathsep) for path in Path(part).iterdir()]
    except OSError as error:
        raise ConfigurationError(f"{name}: {error.strerror}") from None
    if not any(re.fullmatch(r"[0-9a-f]{8}\.\d+", each) for each in names):
        raise ConfigurationError(f"{name}: holds no certificates named by their hash (see `openssl rehash`)")
