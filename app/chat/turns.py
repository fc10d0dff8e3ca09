"""Turns, as the routes use them: begin, join, stop, read.

A request with a new turn id begins a turn and starts its producer. A request with a
known turn id joins that turn, whichever process produces it, and costs nothing. If a
method raises a Problem, nothing was asked. A returned turn can be followed to its
`End`.
"""

import asyncio
import time
import uuid
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass

from app.chat.events import collect
from app.chat.history import History, read_history
from app.chat.lifecycle import BEGIN_BY, GRACE, LONGEST_SILENCE, STOP_LIMIT
from app.chat.log_reader import LogPosition, LogReader
from app.chat.producer import Producer
from app.chat.question import check, is_same, new_head, title_of
from app.chat.report import OnEnd, Stopwatch
from app.chat.store_errors import store_problems
from app.chat.turn_handle import RunningTurn, TurnHandle
from app.chat.watch import Watch
from app.contract import ChatRequest, Start, Turn
from app.problems import Conflict, InvalidRequest, NotFound, UpstreamTooSlow
from app.settings import Settings
from app.store import Store, TurnHead
from app.upstream.answer import Answer
from app.upstream.client import Upstream
from app.upstream.prompt import Prompt

TICK = 0.001  # seconds between a turn and one that follows it, at least: turns are listed by time


@dataclass(frozen=True)
class Caller:
    """The owner of a request, the request's id, and the host's
    deadline in seconds since the epoch.
    """

    owner: str
    request_id: str
    deadline: float | None = None


class Turns:
    """All turns of one store, and the producers of those that this process produces."""

    def __init__(
        self,
        settings: Settings,
        upstream: Upstream,
        store: Store,
        on_end: OnEnd,
        clock: Callable[[], float] = time.time,
        *,
        longest_silence: float = LONGEST_SILENCE,
    ) -> None:
        self._settings = settings
        self._longest_silence = longest_silence
        self._upstream = upstream
        self._store = store
        self._on_end = on_end
        self._clock = clock
        self._running: dict[tuple[str, str], RunningTurn] = {}  # by owner and turn id
        self._watch = Watch()

    async def begin(self, caller: Caller, request: ChatRequest) -> TurnHandle:
        """Begins a turn for the request, or joins the turn with its `turn_id`.

        Raises a Problem.
        """
        turn_id = str(request.turn_id or uuid.uuid4())
        if running := self._running.get((caller.owner, turn_id)):
            return await self._join(caller, running.producer.head, request)
        with store_problems():
            try:
                check(request, self._settings)
                history = await self._history(caller, request)
            except (InvalidRequest, NotFound):
                if accepted := await self._accepted(caller, request):
                    return await self._join(caller, accepted, request)
                raise
            now = max(self._clock(), history.asked_after + TICK)  # the clocks of two hosts differ
            head = new_head(request, self._settings, owner=caller.owner, turn_id=turn_id, now=now)
            stored = await self._store.create(head, title_of(request.message))
        if stored.producer != head.producer:
            return await self._join(caller, stored, request)
        self._produce(caller, head, history)
        turn = self._handle(caller, head)
        await turn.wait_begun(self._longest_silence)
        return turn

    async def join(self, caller: Caller, turn_id: str) -> TurnHandle:
        """Returns the turn with this id. Raises NotFound and StoreFailed."""
        return self._handle(caller, await self._head(caller, turn_id))

    async def rejoin(self, caller: Caller, turn_id: str, request: ChatRequest) -> TurnHandle:
        """Returns the turn with this id, which the same request must have begun.

        Raises NotFound, Conflict and StoreFailed.
        """
        return await self._join(caller, await self._head(caller, turn_id), request)

    async def read(self, caller: Caller, turn_id: str) -> Turn:
        """Returns the turn so far; `running` if it has no end yet.

        Raises NotFound and StoreFailed.
        """
        return await self.read_head(caller, await self._head(caller, turn_id))

    async def read_head(self, caller: Caller, head: TurnHead) -> Turn:
        """Returns the turn of this head so far. Raises StoreFailed."""
        with store_problems():
            return collect(head, await self._reader(caller).read(head))

    async def stop(self, caller: Caller, turn_id: str) -> Turn:
        """Ends the turn as stopped, on any process.

        Returns the turn when it has ended; after STOP_LIMIT, as it is. Raises NotFound
        and StoreFailed.
        """
        head = await self._head(caller, turn_id)
        limit = STOP_LIMIT
        if caller.deadline is not None:
            limit = min(limit, max(0.0, caller.deadline - GRACE - self._clock()))
        with suppress(TimeoutError), store_problems():
            async with asyncio.timeout(limit):
                await self._stop(caller, head)
        return await self.read_head(caller, head)

    def abandon(self, owner: str, conversation_id: str) -> None:
        """Stops the turns of a conversation that are produced
        here: it is being deleted.
        """
        for running in self._running.values():
            head = running.producer.head
            if (head.owner, head.conversation_id) == (owner, conversation_id):
                running.producer.stop()

    async def close(self) -> None:
        """Interrupts the turns that are produced here, and
        stores what they have so far.
        """
        all_running = list(self._running.values())
        for running in all_running:
            running.producer.interrupt()
        await asyncio.gather(*(running.task for running in all_running))

    async def _stop(self, caller: Caller, head: TurnHead) -> None:
        """Requests the stop, and waits until the turn has ended.

        Raises StoreUnavailableError.
        """
        if running := self._running_turn(head):
            running.producer.stop()
            await asyncio.wait({running.task})
            return
        position = LogPosition(head)
        reader = self._reader(caller)
        await reader.skip(position)
        while not position.final and not await self._store.request_stop(head, position.slot):
            await reader.skip(position)
        async with aclosing(reader.follow(head)) as events:
            async for _ in events:
                pass

    async def _head(self, caller: Caller, turn_id: str) -> TurnHead:
        with store_problems():
            head = await self._store.head(caller.owner, turn_id)
        if head is None:
            raise NotFound
        return head

    async def _accepted(self, caller: Caller, request: ChatRequest) -> TurnHead | None:
        """Returns the turn for which the same request was accepted before.

        The settings or the conversation may have changed since.
        """
        head = await self._store.head(caller.owner, str(request.turn_id)) if request.turn_id else None
        return head if head and is_same(request, head) else None

    async def _parent(self, caller: Caller, request: ChatRequest) -> TurnHead | None:
        """Returns the turn that the request follows.

        Raises NotFound if that turn or its conversation does not exist.
        """
        conversation_id, parent_id = request.conversation_id, request.parent_turn_id
        if conversation_id is None:
            return None
        if parent_id is None:
            if await self._store.conversation(caller.owner, str(conversation_id)) is None:
                raise NotFound("conversation_id: there is no such conversation.")
            return None
        parent = await self._store.head(caller.owner, str(parent_id))
        if parent is None or parent.conversation_id != str(conversation_id):
            raise NotFound("parent_turn_id: there is no such turn in this conversation.")
        return parent

    async def _history(self, caller: Caller, request: ChatRequest) -> History:
        """Returns the history of the request's conversation. Raises NotFound."""
        parent = await self._parent(caller, request)

        async def read(head: TurnHead) -> Turn:
            return await self.read_head(caller, head)

        return await read_history(self._store, parent, request.message, self._settings.max_history_chars, read)

    def _produce(self, caller: Caller, head: TurnHead, history: History) -> None:
        """Starts the turn's producer in a task that outlives the request."""
        prompt = Prompt(
            items=history.items,
            model=head.model,
            instructions=head.instructions or self._settings.instructions,
            max_output_tokens=self._settings.max_output_tokens,
        )

        async def opening() -> Answer:
            try:
                async with asyncio.timeout(self._time_to_begin(caller)):
                    answer = Answer(await self._upstream.open(prompt))
                    await answer.begin()
                    return answer
            except TimeoutError as error:
                raise UpstreamTooSlow from error

        producer = Producer(
            head,
            Start(
                turn_id=head.turn_id,
                conversation_id=head.conversation_id,
                model=head.model,
                omitted_turns=history.omitted,
            ),
            opening,
            self._store,
            watch=Stopwatch(head.model, self._on_end),
            request_id=caller.request_id,
            deadline=caller.deadline,
            clock=self._clock,
        )
        task = asyncio.create_task(producer.run())
        key = head.owner, head.turn_id
        self._running[key] = RunningTurn(producer, task)
        task.add_done_callback(lambda _: self._running.pop(key))

    def _time_to_begin(self, caller: Caller) -> float | None:
        """Returns the seconds left for the beginning of the answer; None for no limit.

        They leave the time to send the failure of one that does not begin.
        """
        return None if caller.deadline is None else max(0.0, caller.deadline - BEGIN_BY - self._clock())

    async def _join(self, caller: Caller, head: TurnHead, request: ChatRequest) -> TurnHandle:
        """Returns the turn that has the request's id.

        Raises Conflict if it is another question.
        """
        if head.owner != caller.owner or not is_same(request, head):
            check(request, self._settings)
            raise Conflict
        turn = self._handle(caller, head)
        await turn.wait_begun(self._longest_silence)
        return turn

    def _handle(self, caller: Caller, head: TurnHead) -> TurnHandle:
        return TurnHandle(head, self._reader(caller), self._running_turn(head))

    def _running_turn(self, head: TurnHead) -> RunningTurn | None:
        return self._running.get((head.owner, head.turn_id))

    def _reader(self, caller: Caller) -> LogReader:
        return LogReader(
            self._store,
            uuid.uuid4().hex,
            caller.request_id,
            self._watch,
            is_produced_here=lambda head: self._running_turn(head) is not None,
            clock=self._clock,
        )
