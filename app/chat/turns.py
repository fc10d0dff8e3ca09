"""Turns, as the routes see them: begun, joined, stopped, read.

Who begins a turn gets its producer going. Who names one that exists joins it, on whatever process it is produced, and
pays nothing. A Problem says that nothing was asked; a turn that is returned can be followed to its `End`.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass

from app.chat.events import collect
from app.chat.history import History, history
from app.chat.log_format import Numbered
from app.chat.log_reader import INTERRUPTED, Follower, LogPosition
from app.chat.producer import GRACE, Producer
from app.chat.question import check, is_same, new_head, title_of
from app.chat.report import OnEnd, Stopwatch
from app.chat.watch import Watch
from app.contract import ChatRequest, End, Start, Turn
from app.problems import Conflict, InvalidRequest, NotFound, StoreFailed, StoreRefused, UpstreamTooSlow
from app.settings import Settings
from app.store import Store, StoreRefusedError, StoreUnavailableError, TurnHead
from app.upstream.answer import Answer
from app.upstream.client import Upstream
from app.upstream.prompt import Prompt

BEGIN_BY = GRACE + 1.0  # seconds before the host's deadline by which an answer must have begun
log = logging.getLogger("rivulet.turns")
LONGEST_SILENCE = 20.0  # seconds after which a response begins without an answer: front doors time out after 30
TICK = 0.001  # seconds from a turn to one that follows it, at least: turns are listed by time
STOP_LIMIT = 15.0  # seconds; longer than a lease, so that a dead producer's turn ends within it


@dataclass(frozen=True)
class Caller:
    """Who asks, under which request id, and until when the host lets it run (seconds since the epoch)."""

    owner: str
    request_id: str
    deadline: float | None = None


@dataclass(frozen=True)
class RunningTurn:
    """A turn that this process produces, and the task that does."""

    producer: Producer
    task: "asyncio.Task[object]"


class TurnHandle:
    """A turn that can be followed, here (`production`) or by its log."""

    def __init__(self, head: TurnHead, follower: Follower, production: RunningTurn | None) -> None:
        self.head = head
        self._follower = follower
        self._production = production

    def events(self, seq: int = 0) -> AsyncGenerator[Numbered]:
        """The events from number `seq` on, up to `End`, as they come."""
        if self._production is not None:
            return self._production.producer.live.follow(seq)
        return self._follower.follow(self.head, seq)

    async def ended_before(self, seq: int) -> bool:
        """Whether the `End` lies before number `seq`: then nothing comes any more. Raises StoreFailed.

        A client of a producer that died may have seen more than was stored. It has not seen the
        end that another process wrote, which then has a lower number than its last event.
        """
        if self._production is not None:
            return self._production.producer.live.is_over_before(seq)
        with store_failures():
            events = await self._follower.read(self.head)
        if not events or not isinstance(events[-1][1], End):
            return False
        last, end = events[-1]
        return last == seq - 1 or (last < seq and end != INTERRUPTED)

    @property
    def has_begun(self) -> bool:
        """Whether the answer has begun, as far as this process sees it."""
        return self._production is None or self._production.producer.started.done()

    async def wait_begun(self, limit: float) -> None:
        """Waits for the answer's beginning, at most `limit` seconds. Raises the Problem that kept it from beginning.

        After the limit a failure is in the turn's `End` alone.
        """
        if self._production is None:
            return
        await asyncio.wait({self._production.producer.started}, timeout=limit)
        if self.has_begun and (problem := self._production.producer.started.exception()):
            await self.wait_stored()
            raise problem

    async def wait_stored(self) -> None:
        """Waits until the turn is produced and kept, where that is done here: its host must not freeze it before."""
        if self._production is not None:
            await asyncio.wait({self._production.task})


class Turns:
    """All turns; knows those that this process produces."""

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
        self._productions: dict[tuple[str, str], RunningTurn] = {}  # by owner and turn
        self._watch = Watch()

    async def begin(self, caller: Caller, request: ChatRequest) -> TurnHandle:
        """Opens the answer to `request`: a new one, or the one that its `turn_id` has already. Raises a Problem."""
        turn_id = str(request.turn_id or uuid.uuid4())
        if production := self._productions.get((caller.owner, turn_id)):
            return await self._joined(caller, production.producer.head, request)
        with store_failures():
            try:
                check(request, self._settings)
                said = await self._history(caller, request)
            except (InvalidRequest, NotFound):
                if retried := await self._retried(caller, request):
                    return await self._joined(caller, retried, request)
                raise
            now = max(self._clock(), said.asked_after + TICK)  # the clocks of two hosts differ
            head = new_head(request, self._settings, owner=caller.owner, turn_id=turn_id, now=now)
            kept = await self._store.create(head, title_of(request.message))
        if kept.producer != head.producer:
            return await self._joined(caller, kept, request)
        self._produce(caller, head, said)
        turn = self._open(caller, head)
        await turn.wait_begun(self._longest_silence)
        return turn

    async def join(self, caller: Caller, turn_id: str) -> TurnHandle:
        """The turn with this id. Raises NotFound, StoreFailed."""
        return self._open(caller, await self._head(caller, turn_id))

    async def rejoin(self, caller: Caller, turn_id: str, request: ChatRequest) -> TurnHandle:
        """The turn with this id, which must have been begun by the same request. Raises NotFound, Conflict,
        StoreFailed.
        """
        return await self._joined(caller, await self._head(caller, turn_id), request)

    async def read(self, caller: Caller, turn_id: str) -> Turn:
        """The turn as it is now: `running` where it has no end yet. Raises NotFound, StoreFailed."""
        return await self.read_head(caller, await self._head(caller, turn_id))

    async def read_head(self, caller: Caller, head: TurnHead) -> Turn:
        """The same for a turn whose head is at hand. Raises StoreFailed."""
        with store_failures():
            return collect(head, await self._follower(caller).read(head))

    async def stop(self, caller: Caller, turn_id: str) -> Turn:
        """Ends the turn as stopped, wherever it is produced. Returns it as it is when it has ended, at the latest after
        STOP_LIMIT. Raises NotFound, StoreFailed.
        """
        head = await self._head(caller, turn_id)
        limit = STOP_LIMIT
        if caller.deadline is not None:
            limit = min(limit, max(0.0, caller.deadline - GRACE - self._clock()))
        with suppress(TimeoutError), store_failures():
            async with asyncio.timeout(limit):
                await self._stop(caller, head)
        return await self.read_head(caller, head)

    def abandon(self, owner: str, conversation_id: str) -> None:
        """Stops the conversation's turns that are produced here: it is being deleted."""
        for production in self._productions.values():
            head = production.producer.head
            if (head.owner, head.conversation_id) == (owner, conversation_id):
                production.producer.stop()

    async def close(self) -> None:
        """Ends what is produced here as interrupted, and keeps it as far as it came."""
        productions = list(self._productions.values())
        for production in productions:
            production.producer.interrupt()
        await asyncio.gather(*(production.task for production in productions))

    async def _stop(self, caller: Caller, head: TurnHead) -> None:
        """Requests the stop, and waits until the turn has ended. Raises StoreUnavailableError."""
        if production := self._production(head):
            production.producer.stop()
            await asyncio.wait({production.task})
            return
        tail = LogPosition(head)
        follower = self._follower(caller)
        await follower.skip(tail)
        while not tail.final and not await self._store.request_stop(head, tail.slot):
            await follower.skip(tail)
        async with aclosing(follower.follow(head)) as events:
            async for _ in events:
                pass

    async def _head(self, caller: Caller, turn_id: str) -> TurnHead:
        with store_failures():
            head = await self._store.head(caller.owner, turn_id)
        if head is None:
            raise NotFound
        return head

    async def _retried(self, caller: Caller, request: ChatRequest) -> TurnHead | None:
        """The turn for which the same request was accepted before; settings or conversation may have changed since."""
        head = await self._store.head(caller.owner, str(request.turn_id)) if request.turn_id else None
        return head if head and is_same(request, head) else None

    async def _parent(self, caller: Caller, request: ChatRequest) -> TurnHead | None:
        """The turn that the request follows. Raises NotFound if that, or its conversation, does not exist."""
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
        """What upstream is told of the conversation that the request goes on with. Raises NotFound."""
        parent = await self._parent(caller, request)

        async def read(head: TurnHead) -> Turn:
            return await self.read_head(caller, head)

        return await history(self._store, parent, request.message, self._settings.max_history_chars, read)

    def _produce(self, caller: Caller, head: TurnHead, said: History) -> None:
        """Gets the turn's producer going, in a task that outlives whoever listens."""
        prompt = Prompt(
            items=said.items,
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
                turn_id=head.turn_id, conversation_id=head.conversation_id, model=head.model, omitted_turns=said.omitted
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
        self._productions[key] = RunningTurn(producer, task)
        task.add_done_callback(lambda _: self._productions.pop(key))

    def _time_to_begin(self, caller: Caller) -> float | None:
        """Seconds left for the answer's beginning, so that its failure still gets out; None for no limit."""
        return None if caller.deadline is None else max(0.0, caller.deadline - BEGIN_BY - self._clock())

    async def _joined(self, caller: Caller, head: TurnHead, request: ChatRequest) -> TurnHandle:
        """The turn that has the request's id already. Raises Conflict if that is another question, or owner."""
        if head.owner != caller.owner or not is_same(request, head):
            check(request, self._settings)
            raise Conflict
        turn = self._open(caller, head)
        await turn.wait_begun(self._longest_silence)
        return turn

    def _open(self, caller: Caller, head: TurnHead) -> TurnHandle:
        return TurnHandle(head, self._follower(caller), self._production(head))

    def _production(self, head: TurnHead) -> RunningTurn | None:
        return self._productions.get((head.owner, head.turn_id))

    def _follower(self, caller: Caller) -> Follower:
        return Follower(
            self._store,
            uuid.uuid4().hex,
            caller.request_id,
            self._watch,
            is_produced_here=lambda head: self._production(head) is not None,
            clock=self._clock,
        )


@contextmanager
def store_failures() -> Iterator[None]:
    """Logs a failure of the store, and raises StoreFailed or StoreRefused in its place."""
    try:
        yield
    except StoreRefusedError as error:
        log.error("the store refused: %s", error)  # noqa: TRY400 - its text names the cause
        raise StoreRefused from error
    except StoreUnavailableError as error:
        log.warning("the store is unavailable: %s", error)
        raise StoreFailed from error
