"""What a route takes from its request: the caller, the
services of the application, HEAD.

`create_app` puts the services into the application's state.
"""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from app.chat.conversations import Conversations
from app.chat.turns import Caller, Turns
from app.host import host_context

GetOwner = Callable[[Request], str]


def anonymous(request: Request) -> str:
    """Without accounts, all callers are one owner."""
    del request
    return "everyone"


# plain functions would run in a thread
async def _caller(request: Request) -> Caller:
    owner = request.app.state.get_owner(request)
    return Caller(owner, request.state.request_id, host_context(request.scope).deadline)


async def _turns(request: Request) -> Turns:
    turns: Turns = request.app.state.turns
    return turns


async def _conversations(request: Request) -> Conversations:
    conversations: Conversations = request.app.state.conversations
    return conversations


async def _is_head(request: Request) -> bool:
    return getattr(request.state, "is_head", False)


CallerDep = Annotated[Caller, Depends(_caller)]
TurnsDep = Annotated[Turns, Depends(_turns)]
ConversationsDep = Annotated[Conversations, Depends(_conversations)]
# whether a GET route answers HEAD: it must not ask, follow or read much then
IsHeadDep = Annotated[bool, Depends(_is_head)]


def head_response(media_type: str) -> Response:
    """Returns a response to HEAD: without a body, and without its length."""
    response = Response(media_type=media_type)
    del response.headers["content-length"]
    return response
