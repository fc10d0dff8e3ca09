"""The service on the managed runtime's client: one event loop and one lifespan.

The client calls a plain function with an event. It sends the function's result as the
response, and reports an exception by the name of its class. The lifespan starts once,
on a loop that lives as long as the environment, so the app's clients and connection
pools live on the loop of every request. There is no shutdown. The client sends the
response when the function has returned, so background work of an app delays it.
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
from handler.tasks import track_tasks


class Reply:
    """Collects the writes of one invocation, in place of a connection."""

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
        """Does nothing: there is no connection to drop."""

    @property
    def response(self) -> bytes | None:
        """The body of the response; None if a report or nothing was written."""
        return self._body if self._head is not None and self._head.path.endswith("/response") else None


def lambda_handler(
    app: ASGI,
    environment: Environment | None = None,
    on_failure: OnFailure = uncounted,
    custom_handlers: Sequence[type[LambdaHandler]] = EVENT_SOURCES,
) -> Callable[[object, LambdaContext], object]:
    """Returns the function for Lambda to call. Raises what the app's startup raises.

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
            with suppress(SystemExit):  # of a task that the app started
                loop.run_until_complete(serving)
        return serving.result()

    return handler


async def _start(lifespan: Lifespan) -> None:
    track_tasks()
    await lifespan.startup()


async def _serve(service: Service, event: object, context: LambdaContext, on_failure: OnFailure) -> object:
    """Returns the response to one event, parsed.

    Raises the failure if there is none.
    """
    invocation = _invocation(context)
    reporter = Reporter(invocation, on_failure)
    reply = Reply()
    with about(invocation):
        await service.respond(invocation, context, event, reply, reporter)
    if reply.response is None:
        raise _named(reporter.error or IncompleteResponseError("the app did not respond"))
    return json.loads(reply.response)


def _named(error: BaseException) -> Exception:
    """Returns the error under the name for the Runtime API.

    AWS's client sends the name of the class. It ends the process if the error is not an
    Exception.
    """
    error = innermost(error)
    if isinstance(error, Exception) and not isinstance(error, HandlerError):
        return error
    name = error.error_type if isinstance(error, HandlerError) else type(error).__name__
    named: Exception = type(name, (Exception,), {})(str(error))
    return named.with_traceback(error.__traceback__)


def _end(loop: asyncio.AbstractEventLoop, lifespan: Lifespan) -> None:
    """Cancels the app's lifespan at interpreter exit.

    No threads can be started then, so a clean shutdown may hang.
    """
    loop.run_until_complete(lifespan.abandon())
    loop.close()


def _invocation(context: LambdaContext) -> Invocation:
    left = context.get_remaining_time_in_millis() / 1000
    return Invocation(
        request_id=context.aws_request_id,
        deadline=time.time() + left if left > 0 else None,  # 0 means that there is no deadline
        trace_id=os.environ.get("_X_AMZN_TRACE_ID"),
        tenant_id=getattr(context, "tenant_id", None),
    )
