"""An emulator of the Lambda Runtime API on a socket of
loopback, without code under test.

    async with RuntimeApi() as api:
        call = api.invoke({"version": "2.0", ...})    # for the next poll of api.address
        assert await call.chunk(2) == b"first token"  # waits until that chunk is here
        await call.end()
        assert call.prelude["statusCode"] == 200
    assert api.violations == []

It reads a response chunk by chunk, with the time of each. It checks what AWS's service
would refuse or corrupt: the headers and the framing of a streamed response, the form of
error types, repeated and unfinished responses. A `Fault` makes it misbehave in one
invocation, `next_faults` in polling; its own cuts are no violations. Two effects of the
service are off by default: `enforces_deadlines` cuts a response at its deadline,
`bandwidth` limits it to the speed of a Function URL.

Sources: AWS Lambda Developer Guide, runtimes-api and runtimes-custom; AWS's runtime
interface emulator for the order of answers.
"""

import asyncio
import json
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from tests.fakes.bandwidth import Bandwidth
from tests.fakes.invocation import INVOCATION_ID, Call, Fault, Headers, Watched, violations
from tests.fakes.request import Request, read_body, read_error, read_head

MAX_BUFFERED = 6 * 1024 * 1024


@dataclass
class RuntimeApi(Watched):
    """The service."""

    keep_alive: bool = True
    """If False, each connection is closed after one answer, which announces it."""
    hangs_up: bool = False
    """The same without an announcement."""
    answers_early: bool = False
    """Whether 202 is sent after the head of a response, before its body is read.

    A `Fault` of the answer has precedence.
    """
    prefix: str = ""
    """A prefix of all paths of the API, like `/.rt/chat`; part of `address`."""
    enforces_deadlines: bool = False
    """Whether a response is cut at its deadline, and `Call.timed_out` set."""
    bandwidth: Callable[[], Bandwidth] | None = None
    """Makes the bandwidth of each response."""
    next_faults: deque[int] = field(default_factory=deque)
    """Statuses for the next polls instead of events; 0 closes the connection."""
    violations: list[str] = field(default_factory=list)
    init_error: dict[str, Any] | None = None
    init_error_type: str | None = None
    restore_error: dict[str, Any] | None = None
    restore_error_type: str | None = None
    snapshots: int = 0
    """How often the runtime has called restore/next."""
    restoring: asyncio.Event | None = None
    """restore/next is answered when this is set; at once if it is None."""
    restore_status: int = 200
    polls: int = 0
    waiting: int = 0
    """Polls that wait for an event."""
    connections: int = 0

    def __post_init__(self) -> None:
        super().__init__()
        self._calls: dict[str, Call] = {}
        self._waiting: asyncio.Queue[Call] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}{self.prefix}"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Reads until each body that has begun has ended: then `violations` is
        complete.
        """
        self._server.close()
        await asyncio.gather(*(call.end() for call in self._calls.values() if call.being_read))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def invoke(
        self,
        event: object,
        *,
        deadline: float | None = 60.0,
        headers: Mapping[str, str] | None = None,
        fault: Fault | None = None,
        keeps: bool = True,
    ) -> Call:
        """Queues an event; bytes are sent as they are.

        `deadline` is in seconds from its sending.

        If `keeps` is False, a body is counted but not stored.
        """
        sent = {"Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()), INVOCATION_ID: uuid.uuid4().hex}
        encoded = event if isinstance(event, bytes) else json.dumps(event).encode()
        call = Call(encoded, sent | dict(headers or {}), deadline, fault or Fault(), keeps=keeps)
        self._calls[call.id] = call
        self._waiting.put_nowait(call)
        return call

    async def polled(self, times: int) -> None:
        """Waits until the runtime has polled `count` times: then
        it has finished the events before.
        """
        await self.until(lambda: self.polls >= times)

    async def init_failed(self) -> dict[str, Any]:
        """Waits for the report to init/error, and returns it."""
        await self.until(lambda: self.init_error is not None)
        return self.init_error or {}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while await self._exchange(await read_head(reader, self.prefix), reader, writer):
                await writer.drain()
        except (EOFError, OSError):
            pass  # the runtime has closed the connection
        except ValueError as error:
            self.violations.append(f"what came cannot be read: {error}")
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _exchange(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serves one request. Returns whether the connection can serve another."""
        match request.method, request.resource.split("/"):
            case "GET", ["invocation", "next"]:
                return await self._next(reader, writer)
            case "GET", ["restore", "next"]:
                return await self._restore(writer)
            case "POST", ["init", "error"]:
                self.init_error_type, self.init_error = await read_error(request.headers, reader)
                await self.changed()
                return self._answer(writer, 202)
            case "POST", ["restore", "error"]:
                self.restore_error_type, self.restore_error = await read_error(request.headers, reader)
                await self.changed()
                return self._answer(writer, 202)
            case "POST", ["invocation", id_, "response" | "error" as resource] if id_ in self._calls:
                return await self._take(self._calls[id_], resource, request.headers, reader, writer)
        self.violations.append(f"{request.method} {request.resource} is unknown")
        self._answer(writer, 400)
        return False

    async def _next(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.polls += 1
        await self.changed()
        if self.next_faults:
            status = self.next_faults.popleft()
            return bool(status) and self._answer(writer, status)
        call = await self._event_for(reader)
        if call is None:
            return False
        call.hand_out()
        return self._answer(writer, 200, call.event, call.sent_headers)

    async def _restore(self, writer: asyncio.StreamWriter) -> bool:
        self.snapshots += 1
        await self.changed()
        if self.restoring is not None:
            await self.restoring.wait()
        return self._answer(writer, self.restore_status)

    async def _event_for(self, reader: asyncio.StreamReader) -> Call | None:
        """Returns the next event, or None if the poller closes its
        connection: it must not get one.
        """
        self.waiting += 1
        getting = asyncio.create_task(self._waiting.get())
        gone = asyncio.create_task(reader.read(1))
        await asyncio.wait({getting, gone}, return_when=asyncio.FIRST_COMPLETED)
        self.waiting -= 1
        await self.changed()
        if gone.done():
            if not getting.cancel():
                self._waiting.put_nowait(getting.result())
            return None
        gone.cancel()
        await asyncio.wait({gone})
        return getting.result()

    async def _take(
        self, call: Call, resource: str, headers: Headers, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        call.posts += 1
        if call.posts > 1:
            self.violations.append(f"{resource} after {call.resource}")
            self._answer(writer, 403)
            return False
        call.resource, call.headers = resource, headers
        await call.changed()
        early = self.answers_early and call.fault.answers_in_time
        if early:
            self._answer(writer, 202)
        try:
            async with asyncio.timeout(call.time_left() if self.enforces_deadlines else None):
                status = await self._receive(call, reader)
        except TimeoutError:
            call.timed_out = True
            return False
        except (EOFError, OSError):
            call.truncated = True
            if not call.may_be_truncated:
                self.violations.append(f"{resource}: broken off by the runtime")
            return False
        finally:
            call.ended = True
            await call.changed()
        if early:
            return bool(status) and self._stays_open
        good = bool(status) and not call.fault.mute and self._answer(writer, status)
        if call.fault.early or call.fault.mute:
            await asyncio.Event().wait()
        return good

    async def _receive(self, call: Call, reader: asyncio.StreamReader) -> int:
        """Reads a response. Returns the status of the answer to it, 0 for none."""
        fault = call.fault
        if fault.early is not None:
            return fault.early
        if fault.hold is not None:
            await fault.hold.wait()
        if fault.cut_after == 0:
            return 0
        bandwidth = self.bandwidth() if self.bandwidth and "transfer-encoding" in call.headers else None
        async for data in read_body(call.headers, reader, call.trailers):
            if bandwidth and (delay := bandwidth.delay(len(data), time.monotonic())):
                await asyncio.sleep(delay)
            await call.add(data)
            if len(call.chunks) == fault.cut_after:
                return 0
        self.violations += violations(call)
        if "transfer-encoding" not in call.headers and len(call.body) > MAX_BUFFERED:
            return 413
        return fault.answer

    def _answer(
        self, writer: asyncio.StreamWriter, status: int, body: bytes = b"{}", headers: Headers | None = None
    ) -> bool:
        lines = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
        if not self.keep_alive:
            lines["Connection"] = "close"
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        writer.write(f"HTTP/1.1 {status} -\r\n{head}\r\n".encode() + body)
        return self._stays_open

    @property
    def _stays_open(self) -> bool:
        return self.keep_alive and not self.hangs_up
