"""Translates an event into an ASGI request, and a whole
response into the source's form.

`event` reads the event, and Mangum makes a scope of it. This module adds what Mangum
leaves out or has in an older version. It raises UnsupportedEventError if the event is
not an HTTP request. No I/O.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from mangum import Mangum
from mangum.handlers import ALB
from mangum.types import ASGI, LambdaContext, LambdaEvent, LambdaHandler, Response, Scope

from handler.authority import scheme_of, server_of
from handler.errors import UnsupportedEventError
from handler.event import HttpEvent, read
from handler.prefix import split_path
from handler.protocol import Invocation

# ASGI HTTP 2.4: send() raises OSError after a disconnect. Under an older version
# Starlette treats the message after the body as a disconnect and cuts its streams
# short.
VERSION = {"version": "3.0", "spec_version": "2.4"}

EXTENSION = "rivulet.invocation"

# parts of content types that are returned as text; a body that is not UTF-8 is base64
TEXT_TYPES = ["text/", "json", "xml", "javascript", "yaml", "x-www-form-urlencoded", "charset="]

# Mangum's handlers for events of further sources; both entry points use them
EVENT_SOURCES: Sequence[type[LambdaHandler]] = ()

_UNREADABLE = (LookupError, TypeError, AttributeError, ValueError, RuntimeError)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request for the app; `source` is Mangum's handler for this kind of event."""

    scope: Scope
    body: bytes
    source: LambdaHandler
    streamable: bool  # a load balancer cannot take a stream

    def whole(self, response: Response) -> dict[str, Any]:
        """Returns a whole response in the form of the source,
        with only the app's headers.
        """
        form = self.source(response)
        if not any(name.lower() == b"content-type" for name, _ in response["headers"]):
            form.get("headers", {}).pop("content-type", None)  # Mangum adds one, even if there is no body
        return form


class Bridge:
    """Translates events into requests for one app."""

    def __init__(
        self, app: ASGI, base_path: str = "", custom_handlers: Sequence[type[LambdaHandler]] = EVENT_SOURCES
    ) -> None:
        """`base_path` is BASE_PATH; `custom_handlers` are
        Mangum's, for events of other sources.
        """
        self._base_path = base_path
        self._mangum = Mangum(app, lifespan="off", custom_handlers=[*custom_handlers], text_mime_types=TEXT_TYPES)

    def request(self, event: object, context: LambdaContext) -> HttpRequest:
        """Returns the request in an event, which is parsed JSON.

        Raises UnsupportedEventError.
        """
        try:
            if self._is_custom(event, context):
                source = self._mangum.infer(cast("LambdaEvent", event), context)
                return HttpRequest(source.scope, source.body, source, streamable=False)
            return self._http_request(read(event), event, context)
        except _UNREADABLE as error:
            raise UnsupportedEventError from error

    def _is_custom(self, event: Any, context: LambdaContext) -> bool:  # noqa: ANN401 - a handler may read any event
        mangum = self._mangum
        return any(handler.infer(event, context, mangum.config) for handler in mangum.custom_handlers)

    def _http_request(self, found: HttpEvent, event: object, context: LambdaContext) -> HttpRequest:
        source = self._mangum.infer(found.plain, context)
        scope, headers = source.scope, found.headers
        domain = found.context.get("domainName") or headers.get("host", "")
        root_path, path = split_path(found.context, scope["path"], str(domain), self._base_path)
        scope.update(
            {
                "headers": [[name.encode(), value.encode()] for name, value in headers.items()],
                "path": path,
                "root_path": root_path,
                "scheme": scheme_of(headers),
                "server": server_of(headers, str(domain)),
                "client": (found.client, 0) if found.client else None,
                "aws.event": event,
            }
        )
        return HttpRequest(scope, found.body, source, streamable=not isinstance(source, ALB))


def extend(scope: Scope, invocation: Invocation, state: Mapping[str, Any]) -> None:
    """Adds the version of ASGI, the invocation and the lifespan's state to the
    scope.
    """
    scope["asgi"] = dict(VERSION)
    scope["state"] = dict(state)  # a copy for each request (ASGI, "Lifespan State")
    scope.setdefault("extensions", {})[EXTENSION] = {
        "request_id": invocation.request_id,
        "trace_id": invocation.trace_id,
        "deadline": invocation.deadline,
    }
