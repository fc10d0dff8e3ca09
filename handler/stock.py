"""What Mangum needs on the stock runtime client: one event loop, and one lifespan, for the whole environment.

The stock client calls a plain function, and Mangum runs the app to the end of each call on the thread's current event
loop, starting and ending the lifespan every time unless that is off. Here the lifespan starts once, on a loop that
stays: what it opened (clients, connection pools) lives on the loop that also runs every request. There is no shutdown.
"""

import asyncio
import atexit
import os
import time
from collections.abc import Mapping
from typing import Any

from mangum import Mangum
from mangum.types import ASGI, LambdaContext, Receive, Scope, Send

from handler.bridge import extend
from handler.lifespan import Lifespan
from handler.protocol import Invocation


def on_stock_client(app: ASGI) -> Mangum:
    """The function for Lambda to call. Raises what the app's startup raises."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)  # where Mangum looks for it
    lifespan = Lifespan(app)
    atexit.register(_end, loop, lifespan)
    loop.run_until_complete(lifespan.startup())
    return Mangum(_extended(app, lifespan.state), lifespan="off")


def _end(loop: asyncio.AbstractEventLoop, lifespan: Lifespan) -> None:
    """At the end of the process, which Lambda kills if it ends at all, threads are refused, and without those many an
    app cannot shut down. So it is stopped where it stands."""
    loop.run_until_complete(lifespan.abandon())
    loop.close()


def _extended(app: ASGI, state: Mapping[str, Any]) -> ASGI:
    async def extended(scope: Scope, receive: Receive, send: Send) -> None:
        extend(scope, _invocation(scope["aws.context"]), state)
        await app(scope, receive, send)

    return extended


def _invocation(context: LambdaContext) -> Invocation:
    return Invocation(
        request_id=context.aws_request_id,
        deadline=time.time() + context.get_remaining_time_in_millis() / 1000,
        trace_id=os.environ.get("_X_AMZN_TRACE_ID"),
    )
