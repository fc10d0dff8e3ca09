"""Conversations: list, read (which is also the export), rename, delete."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from app.contract import ConversationLine, ConversationPage, Id, Rename, WholeConversation
from app.routes.dependencies import CallerDep, ConversationsDep, IsHeadDep, head_response
from app.routes.problems import PROBLEM_RESPONSES

router = APIRouter(prefix="/api/conversations", tags=["conversations"], responses=PROBLEM_RESPONSES)


@router.get("")
async def page(caller: CallerDep, conversations: ConversationsDep, cursor: str | None = None) -> ConversationPage:
    """Returns a page of conversations, the last updated first;
    `cursor` is that of the page before.
    """
    return await conversations.page(caller, cursor)


@router.get("/{conversation_id}", response_model=WholeConversation)
async def read(conversation_id: Id, caller: CallerDep, conversations: ConversationsDep, is_head: IsHeadDep) -> Response:
    """Returns the conversation with all its turns, sent turn by turn.

    If it cannot be read to its end, the response is aborted: a client never gets a
    whole document with missing turns.
    """
    pieces = conversations.read(caller, str(conversation_id))
    first = [await anext(pieces), await anext(pieces)]  # so that most failures still have a status
    if is_head:
        await pieces.aclose()
        return head_response("application/json")
    return StreamingResponse(_chain(first, pieces), media_type="application/json")


@router.patch("/{conversation_id}")
async def rename(
    conversation_id: Id, body: Rename, caller: CallerDep, conversations: ConversationsDep
) -> ConversationLine:
    """Changes the title."""
    return await conversations.rename(caller, str(conversation_id), body.title)


@router.delete("/{conversation_id}", status_code=204)
async def delete(conversation_id: Id, caller: CallerDep, conversations: ConversationsDep) -> None:
    """Deletes the conversation with its turns; running ones are stopped."""
    await conversations.delete(caller, str(conversation_id))


async def _chain(first: list[bytes], rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Yields the pieces that have been read already, then the others."""
    async with aclosing(rest):
        for piece in first:
            yield piece
        async for piece in rest:
            yield piece
