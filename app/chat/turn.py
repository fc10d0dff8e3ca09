"""One turn: a question, its answer, and exactly one end.

`Chat.begin(request)` checks the question and opens the upstream. It raises a Problem, and then nothing was answered,
or returns a `RunningTurn`. From there on nothing raises: `RunningTurn.events()` gives `Start`, the answer and one
`End`, whatever happens. Closing that iterator early ends generation upstream, and with it the spending.
"""

import logging
import time
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from app.chat.events import Reducer
from app.chat.upstream import Prompt, Upstream, UpstreamStream
from app.contract import ChatRequest, End, Event, Refusal, Start, Status, Text, Usage
from app.problems import InvalidRequest, Problem, UpstreamCut
from app.settings import Settings

ABANDONED = "abandoned"
log = logging.getLogger("rivulet.turn")


@dataclass(frozen=True)
class TurnReport:
    """What is known of a turn when it is over. `outcome` is a Status, or `abandoned` where its reader went away.

    Times are in seconds from the question's arrival; `first_token` is None where no token came.
    """

    outcome: str
    code: str | None
    model: str
    first_token: float | None
    duration: float
    usage: Usage | None = None


OnEnd = Callable[[TurnReport], None]


class Stopwatch:
    """Measures one turn, and reports it once."""

    def __init__(self, model: str, on_end: OnEnd) -> None:
        self._model = model
        self._on_end = on_end
        self._began = time.monotonic()
        self._first_token: float | None = None
        self._is_over = False

    def saw(self, event: Event) -> None:
        if self._first_token is None and isinstance(event, Text | Refusal):
            self._first_token = time.monotonic() - self._began
        elif isinstance(event, End):
            self.over(event.status, event.error.code if event.error else event.reason, event.usage)

    def over(self, outcome: str, code: str | None = None, usage: Usage | None = None) -> None:
        if not self._is_over:
            self._is_over = True
            duration = time.monotonic() - self._began
            self._on_end(TurnReport(outcome, code, self._model, self._first_token, duration, usage))


class Answer:
    """What an upstream stream says, as events of the wire. Raises a Problem where it fails or has no end."""

    def __init__(self, stream: UpstreamStream) -> None:
        self._stream = stream
        self._reducer = Reducer()
        self._first: list[Event] = []

    async def begin(self) -> None:
        """Takes the first upstream event: a failure in it is raised while there still is a status to tell it by."""
        try:
            self._first = self._reducer.feed(await anext(self._stream))
        except BaseException:
            await self.close()
            raise

    async def events(self) -> AsyncGenerator[Event]:
        for event in self._first:
            yield event
        async for upstream_event in self._stream:
            for event in self._reducer.feed(upstream_event):
                yield event
        raise UpstreamCut

    async def close(self) -> None:
        await self._stream.close()


class RunningTurn:
    """A turn whose upstream is open. It has one reader."""

    def __init__(self, start: Start, answer: Answer, watch: Stopwatch, request_id: str) -> None:
        self.start = start
        self._answer = answer
        self._watch = watch
        self._request_id = request_id

    async def events(self) -> AsyncGenerator[Event]:
        """`Start`, the answer, `End`. To be closed (`aclosing`) where it may not be read to its end."""
        try:
            yield self.start
            async with aclosing(self._answer_or_failure()) as events:
                async for event in events:
                    self._watch.saw(event)
                    yield event
                    if isinstance(event, End):
                        return
        finally:
            self._watch.over(ABANDONED)
            await self._answer.close()

    async def _answer_or_failure(self) -> AsyncGenerator[Event]:
        try:
            async with aclosing(self._answer.events()) as events:
                async for event in events:
                    yield event
        except Problem as problem:
            yield self._failed(problem)
        except Exception:
            log.exception("a turn failed for a reason that nobody foresaw")
            yield self._failed(Problem())

    def _failed(self, problem: Problem) -> End:
        return End(status=Status.FAILED, reason=problem.code, error=problem.details(self._request_id))


class Chat:
    """Begins turns."""

    def __init__(self, settings: Settings, upstream: Upstream, on_end: OnEnd) -> None:
        self._settings = settings
        self._upstream = upstream
        self._on_end = on_end

    async def begin(self, request: ChatRequest, request_id: str) -> RunningTurn:
        """Opens the answer to `request`. Raises a Problem; what is wrong with the request itself costs nothing."""
        prompt = self._prompt(request)
        watch = Stopwatch(prompt.model, self._on_end)
        try:
            answer = Answer(await self._upstream.open(prompt))
            await answer.begin()
        except Problem as problem:
            watch.over(Status.FAILED, problem.code)
            raise
        start = Start(turn_id=str(uuid.uuid4()), model=prompt.model)
        return RunningTurn(start, answer, watch, request_id)

    def _prompt(self, request: ChatRequest) -> Prompt:
        model = request.model or self._settings.openai_model
        if model not in self._settings.allowed_models:
            raise InvalidRequest.of_field("model", f"must be one of {', '.join(self._settings.allowed_models)}")
        longest = self._settings.max_message_chars
        for field, text in (("message", request.message), ("instructions", request.instructions or "")):
            if len(text) > longest:
                raise InvalidRequest.of_field(field, f"has {len(text)} characters; at most {longest} are allowed")
        return Prompt(
            message=request.message,
            model=model,
            instructions=request.instructions or self._settings.instructions,
            max_output_tokens=self._settings.max_output_tokens,
        )
