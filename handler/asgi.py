"""Calls an ASGI app. Any failure of the app is an exception of the call."""

import inspect

from mangum.types import ASGI, Receive, Scope, Send

from handler.errors import AppExitError


async def call(app: ASGI, scope: Scope, receive: Receive, send: Send) -> None:
    """Run the app to its end.

    Raises what the app raises, and AppExitError in place of SystemExit, which would end
    the process.
    """
    try:
        result = app(scope, receive, send)
        if inspect.isawaitable(result):  # a plain function may return nothing
            await result
    except SystemExit as error:
        raise AppExitError(f"the app called sys.exit({error.code!r})") from error
