"""An SSE response: sends frames as they come, a comment when none has come for 10 s, and closes its source at the end.

Its source must not raise: after the first byte there is no status left to say so.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress

from starlette.responses import StreamingResponse
from starlette.types import Send

from app import sse

HEARTBEAT = 10.0  # seconds of silence; proxies on the way give up after 30 to 60


class EventStream(StreamingResponse):
    """Streams `frames`, and closes them also where the client goes away first. It is over when `until` has returned:
    on Lambda the process is frozen as soon as its response is.
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
            until = None  # the host is being stopped, and stops what is behind the frames, too
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
        with suppress(OSError):  # the client is gone: whoever sends the next frame learns it, too
            while True:
                await asyncio.sleep(self._sent_at + self._heartbeat - time.monotonic())
                if time.monotonic() - self._sent_at >= self._heartbeat:
                    await self._write(send, sse.comment("still here"))
