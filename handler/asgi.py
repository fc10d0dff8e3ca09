"""Calling an app: whatever kind of callable it is, and however it fails, that is an exception of the call."""

import inspect

from mangum.types import ASGI, Receive, Scope, Send

from handler.errors import AppExitError


async def call(app: ASGI, scope: Scope, receive: Receive, send: Send) -> None:
    """Runs the app. Raises what it raises; AppExitError in place of SystemExit, which would end the process."""
    try:
        result = app(scope, receive, send)
        if inspect.isawaitable(result):  # a plain function may have done without
            await result
    except SystemExit as error:
        raise AppExitError(f"the app called sys.exit({error.code!r})") from error
