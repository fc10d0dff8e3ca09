"""An upstream stream as events of the wire."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager

from app.contract import Event
from app.problems import Problem, UpstreamCut
from app.upstream.codes import code_of
from app.upstream.reducer import Reducer
from app.upstream.stream import UpstreamStream


class Answer:
    """The events of one answer, up to `End`.

    Iterating raises a Problem if the answer fails or stops without an end.
    """

    def __init__(self, stream: UpstreamStream) -> None:
        self._stream = stream
        self._reducer = Reducer()
        self._first: list[Event] = []
        self._kind: object = None  # of the last upstream event

    async def begin(self) -> None:
        """Reads the first upstream event, so that a failure in
        it still has an HTTP status.
        """
        try:
            with self._explained():
                event = await anext(self._stream)
                self._kind = event["type"]
                self._first = list(self._reducer.feed(event))
        except BaseException:
            await self.close()
            raise

    async def events(self) -> AsyncGenerator[Event]:
        with self._explained():
            for event in self._first:
                yield event
            async for upstream_event in self._stream:
                self._kind = upstream_event["type"]
                for event in self._reducer.feed(upstream_event):
                    yield event
            for event in self._reducer.finish():
                yield event
            raise UpstreamCut

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Adds to a Problem what may be logged of the
        response and of the current event.
        """
        try:
            yield
        except Problem as problem:
            problem.cause = {**self._stream.about(), "upstream_event": code_of(self._kind), **problem.cause}
            raise

    async def close(self) -> None:
        """Ends generation if it is still running."""
        await self._stream.close()
