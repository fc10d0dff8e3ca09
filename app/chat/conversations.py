"""Conversations, as the routes see them: listed, read whole, renamed, deleted."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from app.chat.turns import Caller, Turns, store_failures
from app.contract import ConversationLine, ConversationPage, Turn
from app.problems import InvalidRequest, NotFound
from app.store import Conversation, Store, TurnHead

PAGE = 50  # conversations
TURNS = 50  # whose questions are read, and held in memory, at once
AT_ONCE = 8  # turns whose answers are read concurrently


class Conversations:
    """All conversations of one store. Every method raises StoreFailed where that does not answer."""

    def __init__(self, chat: Turns, store: Store) -> None:
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

    async def read(self, caller: Caller, conversation_id: str) -> AsyncGenerator[bytes]:
        """The conversation with all its turns, as JSON (WholeConversation) in pieces: a few turns are in memory at
        once, however many there are. Raises NotFound, and StoreFailed also after the first pieces.
        """
        with store_failures():
            found = await self._store.conversation(caller.owner, conversation_id)
            if found is None:
                raise NotFound
            opening = line(found).model_dump_json().removesuffix("}") + ',"turns":['
            yield opening.encode()
            separator = b""
            async with aclosing(self._turns(caller, conversation_id)) as turns:
                async for turn in turns:
                    yield separator + turn.model_dump_json().encode()
                    separator = b","
            yield b"]}"

    async def _turns(self, caller: Caller, conversation_id: str) -> AsyncGenerator[Turn]:
        """The conversation's turns, oldest first."""
        after: TurnHead | None = None
        while True:
            heads = await self._store.turns(caller.owner, conversation_id, limit=TURNS, after=after)
            for first in range(0, len(heads), AT_ONCE):
                some = heads[first : first + AT_ONCE]
                for turn in await asyncio.gather(*(self._chat.read_head(caller, head) for head in some)):
                    yield turn
            if len(heads) < TURNS:
                return
            after = heads[-1]

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
