"""What an upstream stream says, as events of the wire."""

from collections.abc import AsyncGenerator

from app.chat.reducer import Reducer
from app.chat.upstream_stream import UpstreamStream
from app.contract import Event
from app.problems import UpstreamCut


class Answer:
    """The events of one answer, `End` the last. Raises a Problem where it fails, or stops without an end."""

    def __init__(self, stream: UpstreamStream) -> None:
        self._stream = stream
        self._reducer = Reducer()
        self._first: list[Event] = []

    async def begin(self) -> None:
        """Takes the first upstream event: a failure in it is raised while there still is a status to tell it by."""
        try:
            self._first = list(self._reducer.feed(await anext(self._stream)))
        except BaseException:
            await self.close()
            raise

    async def events(self) -> AsyncGenerator[Event]:
        for event in self._first:
            yield event
        async for upstream_event in self._stream:
            for event in self._reducer.feed(upstream_event):
                yield event
        for event in self._reducer.finish():
            yield event
        raise UpstreamCut

    async def close(self) -> None:
        """Ends generation, where it is still going on."""
        await self._stream.close()
