"""Several invocations in one process do not affect each other."""

import asyncio
from dataclasses import replace

import pytest
from mangum.types import ASGI, Receive, Scope, Send

from tests.fakes.invocation import Call, Fault
from tests.fakes.runtime_api import RuntimeApi
from tests.handler.apps import hello, http, in_time, piece, start
from tests.handler.conftest import Serve
from tests.handler.events import function_url
from tests.handler.test_deadline import never_ends, never_starts
from tests.handler.test_failures import fails_after_a_piece, fails_at_once
from tests.handler.test_faults import endless

TWO = {"AWS_LAMBDA_MAX_CONCURRENCY": "2"}


@pytest.fixture(params=[False, True], ids=["answer at the end", "early answer"])
def answers_early(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@http
async def huge(send: Send) -> None:
    await start(send)
    await piece(send, bytes(32 * 1024 * 1024), more=False)


def beside(other: ASGI) -> ASGI:
    """Returns an app with `other` at /other, and hello at any other path."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await (other if scope.get("path") == "/other" else hello)(scope, receive, send)

    return app


@pytest.mark.parametrize(
    ("other", "fault"),
    [
        (never_starts, Fault()),
        (never_ends, Fault()),
        (huge, Fault(hold=asyncio.Event())),  # it is never read
        (endless, Fault(hold=asyncio.Event())),
        (huge, Fault(mute=True)),
        (endless, Fault(early=410)),
        (endless, Fault(cut_after=3)),
        (fails_at_once, Fault()),
        (fails_after_a_piece, Fault()),
    ],
)
async def test_invocations_run_concurrently(api: RuntimeApi, serve: Serve, other: ASGI, fault: Fault) -> None:
    if fault.hold:
        fault = replace(fault, hold=asyncio.Event())  # of this test's event loop
    api.invoke(function_url("/other"), fault=fault)
    calls = [api.invoke(function_url()) for _ in range(10)]
    serve(beside(other), **TWO)
    assert [(await call.end()).content for call in calls] == [b"hello"] * 10


async def test_deadline_belongs_to_its_invocation(api: RuntimeApi, serve: Serve) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/late":
            await never_ends(scope, receive, send)
        await late.end()  # goes on after the deadline of the other one
        await hello(scope, receive, send)

    late: Call = api.invoke(function_url("/late"), deadline=0.4)
    call = api.invoke(function_url(), deadline=30)
    serve(app, **TWO)
    assert (await call.end()).content == b"hello"
    assert late.error_type == "Function.DeadlineExceeded"


async def test_cut_ends_only_its_invocation(api: RuntimeApi, serve: Serve) -> None:
    cut, whole = api.invoke(function_url(), fault=Fault(cut_after=2)), api.invoke(function_url())
    serve(hello, **TWO)
    assert (await whole.end()).content == b"hello"
    assert (await cut.end()).content == b""


async def test_lost_poller_lets_others_finish(api: RuntimeApi, serve: Serve) -> None:
    go_on = asyncio.Event()

    @http
    async def app(send: Send) -> None:
        await start(send)
        await piece(send, b"one, ")
        await go_on.wait()
        await piece(send, b"two", more=False)

    streaming = api.invoke(function_url())
    running = serve(app, **TWO)
    await streaming.chunk(2)
    await api.polled(2)
    api.next_faults.extend([403] * 4)
    await api.invoke({"warmup": True}).end()
    await api.until(lambda: not api.next_faults)
    done, _ = await asyncio.wait({running}, timeout=0.2)  # a cut would happen within this time
    assert not done
    go_on.set()
    assert (await streaming.end()).content == b"one, two"
    assert await in_time(running) == 1
