"""Conversations, as the routes see them: listed, read whole, renamed, deleted."""

import asyncio

from app.chat.turn import Caller, Chat, store_failures
from app.contract import ConversationLine, ConversationPage, WholeConversation
from app.problems import InvalidRequest, NotFound
from app.store import Conversation, Store

PAGE = 50  # conversations


class Conversations:
    """All conversations of one store. Every method raises StoreFailed where that does not answer."""

    def __init__(self, chat: Chat, store: Store) -> None:
        self._chat = chat
        self._store = store

    async def page(self, caller: Caller, cursor: str | None) -> ConversationPage:
        """The caller's conversations, the last updated first. Raises InvalidRequest for a cursor that is none."""
        with store_failures():
            try:
                page = await self._store.conversations(caller.owner, PAGE, cursor)
            except ValueError:
                raise InvalidRequest.of_field("cursor", "is none that a page ended with") from None
        return ConversationPage(conversations=[line(found) for found in page.conversations], cursor=page.cursor)

    async def read(self, caller: Caller, conversation_id: str) -> WholeConversation:
        """The conversation with all its turns. Raises NotFound."""
        with store_failures():
            found = await self._store.conversation(caller.owner, conversation_id)
            if found is None:
                raise NotFound
            heads = await self._store.turns(caller.owner, conversation_id)
        turns = await asyncio.gather(*(self._chat.read_head(caller, head) for head in heads))
        return WholeConversation(**line(found).model_dump(), turns=list(turns))

    async def rename(self, caller: Caller, conversation_id: str, title: str) -> ConversationLine:
        """Gives it another title. Raises NotFound."""
        with store_failures():
            renamed = await self._store.rename(caller.owner, conversation_id, title)
            found = await self._store.conversation(caller.owner, conversation_id)
        if not renamed or found is None:
            raise NotFound
        return line(found)

    async def delete(self, caller: Caller, conversation_id: str) -> None:
        """Deletes it with everything under it, and ends what is being produced. Raises NotFound."""
        with store_failures():
            self._chat.abandon(caller.owner, conversation_id)
            if not await self._store.delete(caller.owner, conversation_id):
                raise NotFound


def line(found: Conversation) -> ConversationLine:
    """The conversation as it goes over the wire."""
    return ConversationLine(
        conversation_id=found.conversation_id,
        title=found.title,
        created_at=found.created_at,
        updated_at=found.updated_at,
    )
