"""The service on AWS's own runtime client: one event loop, and one lifespan, for the whole environment.

That client calls a plain function with an event, sends what the function returns as the
response, and reports what it raises by the name of its class. Here the lifespan starts
once, on a loop that stays: what the app opens (clients, connection pools) lives on the loop
that also runs every request. There is no shutdown. The client sends the response when the
function has returned, so work that an app leaves running delays it.
"""

import asyncio
import atexit
import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from mangum.types import ASGI, LambdaContext, LambdaHandler

from handler.bridge import EVENT_SOURCES, Bridge
from handler.environment import Environment
from handler.errors import HandlerError, IncompleteResponseError, innermost
from handler.lifespan import Lifespan
from handler.logs import about, configure
from handler.protocol import Head, Invocation, Write
from handler.reporting import OnFailure, Reporter, uncounted
from handler.service import Service
from handler.tasks import note_tasks


class Reply:
    """Stands for the connection to the Runtime API: keeps what one invocation writes."""

    def __init__(self) -> None:
        self._head: Head | None = None
        self._body = b""

    async def write(self, writes: Sequence[Write]) -> None:
        for write in writes:
            match write:
                case Head():
                    self._head = write
                case bytes():
                    self._body += write

    @property
    def awaits_answer(self) -> bool:
        return self._head is not None

    def abort(self) -> None:
        """There is nothing to drop."""

    @property
    def response(self) -> bytes | None:
        """The body of the response; None if a report, or nothing, was written in its place."""
        return self._body if self._head is not None and self._head.path.endswith("/response") else None


def lambda_handler(
    app: ASGI,
    environment: Environment | None = None,
    on_failure: OnFailure = uncounted,
    custom_handlers: Sequence[type[LambdaHandler]] = EVENT_SOURCES,
) -> Callable[[object, LambdaContext], object]:
    """The function for Lambda to call. Raises what the app's startup raises.

    `custom_handlers` are Mangum's, for events of other sources.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)  # Mangum looks for one
    lifespan = Lifespan(app)
    atexit.register(_end, loop, lifespan)
    loop.run_until_complete(_start(lifespan))
    bridge = Bridge(app, (environment or Environment()).base_path, custom_handlers)
    service = Service(app, bridge, lifespan.state, buffered=True)
    configure(os.environ)

    def handler(event: object, context: LambdaContext) -> object:
        serving = loop.create_task(_serve(service, event, context, on_failure))
        while not serving.done():
            with suppress(SystemExit):  # of a task that the app has left running
                loop.run_until_complete(serving)
        return serving.result()

    return handler


async def _start(lifespan: Lifespan) -> None:
    note_tasks()
    await lifespan.startup()


async def _serve(service: Service, event: object, context: LambdaContext, on_failure: OnFailure) -> object:
    """The response to one event, parsed. Raises what kept it from coming."""
    invocation = _invocation(context)
    reporter = Reporter(invocation, on_failure)
    reply = Reply()
    with about(invocation):
        await service.respond(invocation, context, event, reply, reporter)
    if reply.response is None:
        raise _named(reporter.error or IncompleteResponseError("the app did not respond"))
    return json.loads(reply.response)


def _named(error: BaseException) -> Exception:
    """The error by the name that the Runtime API would be sent: AWS's client sends the name of the class, and it ends
    with the process if that is no Exception."""
    error = innermost(error)
    if isinstance(error, Exception) and not isinstance(error, HandlerError):
        return error
    name = error.error_type if isinstance(error, HandlerError) else type(error).__name__
    named: Exception = type(name, (Exception,), {})(str(error))
    return named.with_traceback(error.__traceback__)


def _end(loop: asyncio.AbstractEventLoop, lifespan: Lifespan) -> None:
    """At the end of the process, which Lambda kills if it ends at all, threads are refused, and without those many an
    app cannot shut down. So it is stopped where it stands."""
    loop.run_until_complete(lifespan.abandon())
    loop.close()


def _invocation(context: LambdaContext) -> Invocation:
    left = context.get_remaining_time_in_millis() / 1000
    return Invocation(
        request_id=context.aws_request_id,
        deadline=time.time() + left if left > 0 else None,  # no time left is what a caller without a deadline says
        trace_id=os.environ.get("_X_AMZN_TRACE_ID"),
        tenant_id=getattr(context, "tenant_id", None),
    )
