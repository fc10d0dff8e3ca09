"""Who calls: the owner of what is asked, the request's id, and how long the host lets it run."""

from collections.abc import Awaitable, Callable

from fastapi import Request

from app.chat.turns import Caller
from app.host import host_context

GetOwner = Callable[[Request], str]


def everyone(request: Request) -> str:
    """Without accounts all callers are one owner."""
    del request
    return "everyone"


def caller_of(identify: GetOwner) -> Callable[[Request], Awaitable[Caller]]:
    """The dependency that tells a route its caller."""

    async def caller(request: Request) -> Caller:  # a plain function would be run in a thread
        return Caller(identify(request), request.state.request_id, host_context(request.scope).deadline)

    return caller
