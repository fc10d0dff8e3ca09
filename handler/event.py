"""Reads an HTTP event of any form leniently. No I/O.

AWS writes complete events. Emulators, typed libraries and people write `null` for
absent members, a list instead of text, and headers of any form. `read` returns the
content of such an event. It raises UnsupportedEventError only if the document has no
method: no header and no absent member decides that.

Sources: Lambda Developer Guide, "Invoking Lambda function URLs"; API Gateway Developer
Guide, "Payload format version" (HTTP APIs) and "Input format of a Lambda function for
proxy integration" (REST APIs); User Guide for Application Load Balancers, "Lambda
functions as targets".
"""

import base64
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from handler.errors import UnsupportedEventError

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class HttpEvent:
    """The content of an event."""

    context: Event  # its requestContext
    headers: dict[str, str]  # by lower-case name; lines of one name are joined
    body: bytes
    client: str | None  # the client's address
    plain: Event  # a complete event of the same kind for Mangum, without headers and body


def read(document: object) -> HttpEvent:
    """Returns the content of an HTTP event. Raises UnsupportedEventError."""
    event = _mapping(document)
    context = _mapping(event.get("requestContext"))
    if _method(_mapping(context.get("http")).get("method")):
        return _version_2(event, context)
    if _method(event.get("httpMethod")):
        return _load_balancer(event, context) if "elb" in context else _version_1(event, context)
    raise UnsupportedEventError


def _version_2(event: Event, context: Event) -> HttpEvent:
    """A Function URL, or an HTTP API with payload format 2.0."""
    http = _mapping(context.get("http"))
    headers = _headers(event)
    if cookies := _texts(event.get("cookies")):
        headers["cookie"] = "; ".join(cookies)
    query = event.get("rawQueryString")
    request = {
        "method": _method(http.get("method")),
        "path": _path(http.get("path") or event.get("rawPath")),
        "sourceIp": None,
    }
    plain = {
        "version": "2.0",
        "requestContext": {"http": request},
        "rawQueryString": urlencode(_query(event), doseq=True) if query is None else _text(query),
    }
    return HttpEvent(context, headers, _body(event), _address(http), plain)


def _version_1(event: Event, context: Event) -> HttpEvent:
    """A REST API, or an HTTP API with payload format 1.0, whose events have a
    version.
    """
    plain = {
        "resource": "",
        "requestContext": {},
        "httpMethod": _method(event.get("httpMethod")),
        "path": _path(event.get("path")),
        "multiValueQueryStringParameters": _query(event),
    }
    if event.get("version") is not None:
        plain["version"] = "1.0"
    client = _address(_mapping(context.get("identity")))
    return HttpEvent(context, _headers(event), _body(event), client, plain)


def _load_balancer(event: Event, context: Event) -> HttpEvent:
    """A target group uses one of two forms of headers, in the event and the
    response.
    """
    headers = _headers(event)
    lists = event.get("multiValueHeaders")
    multi = lists or (lists is not None and event.get("headers") is None)
    plain = {
        "requestContext": {"elb": {}},
        "httpMethod": _method(event.get("httpMethod")),
        "path": _path(event.get("path")),
        "multiValueQueryStringParameters": _query(event),
        "multiValueHeaders" if multi else "headers": {},
    }
    # the balancer appends its client; earlier entries may be forged
    client = headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return HttpEvent(context, headers, _body(event), client or None, plain)


def _body(event: Event) -> bytes:
    """Returns the body. Invalid base64 is treated as text."""
    body = event.get("body")
    text = "" if body is None else _text(body)
    if event.get("isBase64Encoded") in (True, "true"):
        try:
            return base64.b64decode(text)
        except ValueError:
            pass
    return text.encode()


def _headers(event: Event) -> dict[str, str]:
    """Joins lines (RFC 9110, 5.3; RFC 9113, 8.2.3 for
    cookies), and drops empty names.
    """
    joined: dict[str, str] = {}
    for member in ("headers", "multiValueHeaders"):  # the second one includes the first
        lines: dict[str, list[str]] = {}
        for name, value in _mapping(event.get(member)).items():
            lines.setdefault(_text(name).lower(), []).extend(_texts(value))
        joined |= {n: ("; " if n == "cookie" else ", ").join(values) for n, values in lines.items() if values}
    return joined


def _query(event: Event) -> dict[str, list[str]]:
    """Returns the parameters; a missing value is empty."""
    query: dict[str, list[str]] = {}
    for member in ("queryStringParameters", "multiValueQueryStringParameters"):
        for name, value in _mapping(event.get(member)).items():
            query[_text(name)] = _texts(value) or query.get(_text(name)) or [""]
    return query


def _mapping(value: object) -> Event:
    return value if isinstance(value, dict) else {}


def _method(value: object) -> str:
    """Returns a method in upper case, as in ASGI; empty if there is none."""
    return _text(value).upper() if isinstance(value, str) else ""


def _path(value: object) -> str:
    path = "" if value is None else _text(value)
    return path if path.startswith("/") else f"/{path}"


def _address(found: Event) -> str | None:
    address = found.get("sourceIp")
    return address if isinstance(address, str) and address else None


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [_text(item) for item in values if item is not None]


def _text(value: object) -> str:
    """Returns a value as text; half of a surrogate pair becomes a question mark."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "replace").decode()
