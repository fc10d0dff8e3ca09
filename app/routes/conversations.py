"""Conversations: the list, one with all its turns (which is its export, too), another title, gone."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response, StreamingResponse

from app.chat.conversations import Conversations
from app.chat.turns import Caller
from app.contract import ConversationLine, ConversationPage, Id, Rename, WholeConversation
from app.routes.dependencies import GetOwner, caller_of
from app.routes.head import head_of, is_head
from app.routes.problems import PROBLEM_RESPONSES


def conversations_router(conversations: Conversations, identify: GetOwner) -> APIRouter:
    router = APIRouter(prefix="/api/conversations", tags=["conversations"], responses=PROBLEM_RESPONSES)
    Calling = Annotated[Caller, Depends(caller_of(identify))]  # noqa: N806 - a type

    @router.get("")
    async def page(caller: Calling, cursor: str | None = None) -> ConversationPage:
        """The last updated first; `cursor` is the one that the page before ended with."""
        return await conversations.page(caller, cursor)

    @router.get("/{conversation_id}", response_model=WholeConversation)
    async def read(conversation_id: Id, caller: Calling, head: Annotated[bool, Depends(is_head)]) -> Response:
        """The conversation with all its turns, sent turn by turn. If it cannot be read to its end, the response breaks
        off: a client never gets a whole document with turns missing.
        """
        pieces = conversations.read(caller, str(conversation_id))
        first = [await anext(pieces), await anext(pieces)]  # so that most failures still have a status
        if head:
            await pieces.aclose()
            return head_of("application/json")
        return StreamingResponse(joined(first, pieces), media_type="application/json")

    @router.patch("/{conversation_id}")
    async def rename(conversation_id: Id, body: Rename, caller: Calling) -> ConversationLine:
        return await conversations.rename(caller, str(conversation_id), body.title)

    @router.delete("/{conversation_id}", status_code=204)
    async def delete(conversation_id: Id, caller: Calling) -> None:
        await conversations.delete(caller, str(conversation_id))

    return router


async def joined(first: list[bytes], rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """The pieces that have been read already, then the others."""
    async with aclosing(rest):
        for piece in first:
            yield piece
        async for piece in rest:
            yield piece
