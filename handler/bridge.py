"""An invocation's event as an ASGI request: the scope and the body. No I/O.

Mangum reads the event; what it leaves out or has as an older version is put in here. In come any bytes; out goes an
`HttpRequest`, or UnsupportedEventError where the event is no HTTP request.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mangum import Mangum
from mangum.handlers import APIGateway, HTTPGateway
from mangum.types import LambdaContext, LambdaHandler, Scope

from handler.errors import UnsupportedEventError
from handler.protocol import Invocation

ASGI = {"version": "3.0", "spec_version": "2.4"}
"""ASGI HTTP 2.4: send() raises OSError once nobody listens. Under an older version Starlette takes the message that
follows the body for a disconnect, and cuts its streams short."""

EXTENSION = "rivulet.invocation"

_STREAMABLE = (HTTPGateway, APIGateway)  # a load balancer takes buffered responses only
_UNREADABLE = (LookupError, TypeError, AttributeError, ValueError, RuntimeError)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request for the app, and what becomes of its response."""

    scope: Scope
    body: bytes
    event_source: LambdaHandler
    """Mangum's handler for this kind of event; called with a whole response, it gives the buffered form of it."""
    streamable: bool
    """Whether the sender of the event can take a stream at all."""


def translate(mangum: Mangum, event: bytes, context: LambdaContext) -> HttpRequest:
    """The request in an event, which comes as JSON. Raises UnsupportedEventError."""
    try:
        source = mangum.infer(json.loads(event), context)
        scope, body = source.scope, source.body
        scope.update(_paths(scope["aws.event"], scope["path"]))
    except _UNREADABLE as error:
        raise _unsupported() from error
    return HttpRequest(scope, body, source, isinstance(source, _STREAMABLE))


def extend(scope: Scope, invocation: Invocation, state: Mapping[str, Any]) -> None:
    """Puts into the scope what Mangum does not know: the version of ASGI, the invocation, the lifespan's state."""
    scope["asgi"] = dict(ASGI)
    scope["state"] = dict(state)  # a copy for each request (ASGI, "Lifespan State")
    scope.setdefault("extensions", {})[EXTENSION] = {
        "request_id": invocation.request_id,
        "trace_id": invocation.trace_id,
        "deadline": invocation.deadline,
    }


def _paths(event: Mapping[str, Any], path: str) -> dict[str, str]:
    """root_path, and path with it, where the public URL has the API's stage in front.

    An HTTP API has the stage in its path. A REST API leaves it out there and has it in requestContext.path.
    """
    context = event["requestContext"]
    stage = f"/{context.get('stage')}"
    if "http" in context:
        # a domain of one's own may map the stage away, and then the path only looks as if it began with it
        amazons = ".execute-api." in (context.get("domainName") or "")
        return {"root_path": stage if amazons and f"{path}/".startswith(f"{stage}/") else ""}
    root = stage if context.get("path") == stage + event["path"] else ""
    return {"root_path": root, "path": root + path}


def _unsupported() -> UnsupportedEventError:
    return UnsupportedEventError(
        "This function answers HTTP requests only: events of a Function URL, of an API Gateway REST or HTTP API, "
        "or of an Application Load Balancer."
    )
