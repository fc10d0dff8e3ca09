"""Conversations, as the routes use them: list, read, rename, delete."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from app.chat.store_errors import store_problems
from app.chat.turns import Caller, Turns
from app.contract import ConversationLine, ConversationPage, Turn
from app.problems import InvalidRequest, NotFound
from app.store import Conversation, Store, TurnHead

PAGE = 50  # conversations
TURNS = 50  # whose questions are read at once
AT_ONCE = 8  # turns whose answers are read concurrently


class Conversations:
    """All conversations of one store. Every method raises StoreFailed."""

    def __init__(self, turns: Turns, store: Store) -> None:
        self._all_turns = turns
        self._store = store

    async def page(self, caller: Caller, cursor: str | None) -> ConversationPage:
        """Returns the caller's conversations, the last updated first.

        Raises InvalidRequest.
        """
        with store_problems():
            try:
                page = await self._store.conversations(caller.owner, PAGE, cursor)
            except ValueError:
                raise InvalidRequest.of_field("cursor", "must be the cursor of an earlier page") from None
        return ConversationPage(conversations=[to_line(found) for found in page.conversations], cursor=page.cursor)

    async def read(self, caller: Caller, conversation_id: str) -> AsyncGenerator[bytes]:
        """Yields the conversation with all its turns, as JSON
        (WholeConversation) in pieces.

        Only a few turns are in memory at once. Raises NotFound before the first piece,
        and StoreFailed at any time.
        """
        with store_problems():
            found = await self._store.conversation(caller.owner, conversation_id)
            if found is None:
                raise NotFound
            opening = to_line(found).model_dump_json().removesuffix("}") + ',"turns":['
            yield opening.encode()
            separator = b""
            async with aclosing(self._turns(caller, conversation_id)) as turns:
                async for turn in turns:
                    yield separator + turn.model_dump_json().encode()
                    separator = b","
            yield b"]}"

    async def _turns(self, caller: Caller, conversation_id: str) -> AsyncGenerator[Turn]:
        """Yields the conversation's turns, oldest first."""
        after: TurnHead | None = None
        while True:
            heads = await self._store.turns(caller.owner, conversation_id, limit=TURNS, after=after)
            for first in range(0, len(heads), AT_ONCE):
                some = heads[first : first + AT_ONCE]
                for turn in await asyncio.gather(*(self._all_turns.read_head(caller, head) for head in some)):
                    yield turn
            if len(heads) < TURNS:
                return
            after = heads[-1]

    async def rename(self, caller: Caller, conversation_id: str, title: str) -> ConversationLine:
        """Changes the title. Raises NotFound."""
        with store_problems():
            renamed = await self._store.rename(caller.owner, conversation_id, title)
            found = await self._store.conversation(caller.owner, conversation_id)
        if not renamed or found is None:
            raise NotFound
        return to_line(found)

    async def delete(self, caller: Caller, conversation_id: str) -> None:
        """Deletes it with its turns, and stops those that run. Raises NotFound."""
        with store_problems():
            self._all_turns.abandon(caller.owner, conversation_id)
            if not await self._store.delete(caller.owner, conversation_id):
                raise NotFound


def to_line(found: Conversation) -> ConversationLine:
    """Returns the conversation as it is on the wire."""
    return ConversationLine(
        conversation_id=found.conversation_id,
        title=found.title,
        created_at=found.created_at,
        updated_at=found.updated_at,
    )
