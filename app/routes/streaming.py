"""A stream of server-sent events as a response.

Frames are sent as they come, and a comment after 10 s of silence. The source of the
frames must not raise: after the first byte no status can report it.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress

from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from app import sse
from app.chat.turn_handle import TurnHandle

HEARTBEAT = 10.0  # seconds of silence; proxies time out after 30 to 60


class EventStream(StreamingResponse):
    """Streams `frames`, and closes them even if the client disconnects first.

    The response ends when `until` has returned: Lambda freezes the process as soon as
    its response has ended.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        frames: AsyncGenerator[bytes],
        *,
        until: Callable[[], Awaitable[None]] | None = None,
        heartbeat: float = HEARTBEAT,
        comment_first: bool = False,
    ) -> None:
        super().__init__(frames, headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        self._frames = frames
        self._until = until
        self._heartbeat = heartbeat
        self._comment_first = comment_first
        self._sent_at = time.monotonic()

    async def stream_response(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        beat = asyncio.create_task(self._beat(send))
        until = self._until
        try:
            async with aclosing(self._frames) as frames:
                if self._comment_first:
                    await self._write(send, sse.comment("still here"))
                async for frame in frames:
                    await self._write(send, frame)
        except asyncio.CancelledError:
            until = None  # the host is shutting down, and ends the producers as well
            raise
        finally:
            beat.cancel()
            if until:
                await until()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write(self, send: Send, frame: bytes) -> None:
        await send({"type": "http.response.body", "body": frame, "more_body": True})
        self._sent_at = time.monotonic()

    async def _beat(self, send: Send) -> None:
        with suppress(OSError):  # the client has disconnected: the next frame raises it as well
            while True:
                await asyncio.sleep(self._sent_at + self._heartbeat - time.monotonic())
                if time.monotonic() - self._sent_at >= self._heartbeat:
                    await self._write(send, sse.comment("still here"))


def stream_turn(turn: TurnHandle, frames: AsyncGenerator[bytes]) -> EventStream:
    """Returns the frames of a turn as a response, which ends when the turn is
    stored.
    """
    return EventStream(frames, until=turn.wait_stored, comment_first=not turn.has_begun)


async def resume(turn: TurnHandle, seq: int, frames: AsyncGenerator[bytes] | None = None) -> Response:
    """Returns the turn from event number `seq` on; 204 if it ended before.

    Raises StoreFailed.

    `frames` are those of the API by default.
    """
    if await turn.has_ended_before(seq):
        return Response(status_code=204)
    return stream_turn(turn, frames or turn.frames(seq))
