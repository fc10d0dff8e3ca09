"""Who calls: the owner of what is asked, the request's id, and how long the host lets it run."""

from collections.abc import Awaitable, Callable

from fastapi import Request

from app.chat.turns import Caller

Identify = Callable[[Request], str]


def everyone(request: Request) -> str:
    """Without accounts all callers are one owner."""
    del request
    return "everyone"


def caller_of(identify: Identify) -> Callable[[Request], Awaitable[Caller]]:
    """The dependency that tells a route its caller."""

    async def caller(request: Request) -> Caller:  # a plain function would be run in a thread
        invocation = request.scope.get("extensions", {}).get("rivulet.invocation", {})
        return Caller(identify(request), request.state.request_id, invocation.get("deadline"))

    return caller
