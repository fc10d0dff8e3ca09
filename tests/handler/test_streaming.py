"""The loop over real sockets: successful responses."""

import asyncio
import os

import pytest
from fastapi import FastAPI
from mangum.types import Message, Receive, Scope, Send
from starlette.background import BackgroundTasks
from starlette.responses import RedirectResponse, Response

from tests.fakes.invocation import Fault
from tests.fakes.runtime_api import RuntimeApi
from tests.handler.apps import hello, http, piece, start
from tests.handler.conftest import Serve
from tests.handler.events import function_url, http_api, rest_api


@pytest.fixture(params=[False, True], ids=["answer at the end", "early answer"])
def answers_early(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


async def test_answer_is_prelude_delimiter_and_body(api: RuntimeApi, serve: Serve) -> None:
    call = api.invoke(function_url())
    serve(hello)
    await call.end()
    assert [chunk.data for chunk in call.chunks][1:] == [bytes(8), b"hello"]
    assert call.prelude == {"statusCode": 200, "headers": {}, "cookies": []}


@pytest.mark.parametrize("event", [function_url(), rest_api(), http_api("/v1/", stage="v1")])
async def test_streaming_sources_get_stream(api: RuntimeApi, serve: Serve, event: object) -> None:
    call = api.invoke(event)
    serve(hello)
    assert (await call.end()).content == b"hello"


async def test_first_token_leaves_before_second_exists(api: RuntimeApi, serve: Serve) -> None:
    second = asyncio.Event()

    @http
    async def app(send: Send) -> None:
        await start(send)
        await piece(send, b"first")
        await second.wait()
        await piece(send, b"second", more=False)

    call = api.invoke(function_url())
    serve(app)
    assert await call.chunk(2) == b"first"
    assert len(call.chunks) == 3
    assert not call.ended
    second.set()
    assert (await call.end()).content == b"firstsecond"


async def test_prelude_leaves_before_body(api: RuntimeApi, serve: Serve) -> None:
    body = asyncio.Event()

    @http
    async def app(send: Send) -> None:
        await start(send, 202)
        await body.wait()
        await piece(send, b"", more=False)

    call = api.invoke(function_url())
    serve(app)
    assert await call.chunk(1) == bytes(8)
    assert call.prelude["statusCode"] == 202
    body.set()
    assert (await call.end()).content == b""


async def test_each_message_is_one_chunk(api: RuntimeApi, serve: Serve) -> None:
    @http
    async def app(send: Send) -> None:
        await start(send)
        for data in (b"a", b"", b"bc", b"d"):
            await piece(send, data)
        await piece(send, b"e", more=False)

    call = api.invoke(function_url())
    serve(app)
    await call.end()
    assert [chunk.data for chunk in call.chunks[2:]] == [b"a", b"bc", b"d", b"e"]


@pytest.mark.parametrize(
    ("response", "method"),
    [
        (Response(status_code=204), "GET"),
        (Response(status_code=304), "GET"),
        (RedirectResponse("/elsewhere"), "GET"),
        (Response("body"), "HEAD"),
    ],
)
async def test_response_without_body_ends(api: RuntimeApi, serve: Serve, response: Response, method: str) -> None:
    call = api.invoke(function_url("/", method))
    serve(response)
    await call.end()
    assert (call.prelude["statusCode"], call.content) == (response.status_code, b"")


async def test_app_reads_request_body(api: RuntimeApi, serve: Serve) -> None:
    app = FastAPI()

    @app.post("/echo")
    async def echo(text: dict[str, str]) -> dict[str, str]:
        return text

    event = function_url("/echo", "POST", body="eyJhIjogIvCfpoAifQ==", isBase64Encoded=True)
    event["headers"]["content-type"] = "application/json"
    call = api.invoke(event)
    serve(app)
    assert (await call.end()).content.decode() == '{"a":"🦀"}'


async def test_complete_response_is_followed_by_disconnect(api: RuntimeApi, serve: Serve) -> None:
    heard: list[Message] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        heard.append(await receive())
        disconnect = asyncio.ensure_future(receive())
        await start(send)
        assert not disconnect.done()
        await piece(send, b"", more=False)
        heard.append(await disconnect)

    api.invoke(function_url(body="x"))
    serve(app)
    await api.polled(2)
    assert heard == [{"type": "http.request", "body": b"x", "more_body": False}, {"type": "http.disconnect"}]


async def test_background_tasks_end_before_next_poll(api: RuntimeApi, serve: Serve) -> None:
    release = asyncio.Event()
    done: list[str] = []

    async def work() -> None:
        await release.wait()
        done.append("work")

    tasks = BackgroundTasks()
    tasks.add_task(work)
    call = api.invoke(function_url())
    serve(Response("ok", background=tasks))
    await call.end()  # the client has the whole body
    assert (api.polls, done) == (1, [])
    release.set()
    await api.polled(2)
    assert done == ["work"]


async def test_invocations_share_one_connection(api: RuntimeApi, serve: Serve) -> None:
    calls = [api.invoke(function_url()) for _ in range(5)]
    serve(hello)
    assert [(await call.end()).content for call in calls] == [b"hello"] * 5
    await api.polled(6)
    assert api.connections == 1


async def test_closing_server_gets_new_connections(serve: Serve, api: RuntimeApi) -> None:
    api.keep_alive = False
    calls = [api.invoke(function_url()) for _ in range(3)]
    serve(hello)
    assert [(await call.end()).content for call in calls] == [b"hello"] * 3


async def test_slow_reader_blocks_app(api: RuntimeApi, serve: Serve) -> None:
    reads = asyncio.Event()
    sent = 0

    @http
    async def app(send: Send) -> None:
        nonlocal sent
        await start(send)
        while sent < 256:  # 16 MiB in all, more than the buffers of two sockets
            await piece(send, bytes(65536))
            sent += 1
        await piece(send, b"", more=False)

    call = api.invoke(function_url(), fault=Fault(hold=reads))
    serve(app)
    before = -1
    while before != sent or not sent:  # until no further byte is sent
        before = sent
        await asyncio.sleep(0.05)
    assert sent < 256
    reads.set()
    assert len((await call.end()).content) == 256 * 65536


async def test_environment_has_trace_id_during_invocation(
    api: RuntimeApi, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "from before")
    seen: list[str | None] = []

    @http
    async def app(send: Send) -> None:
        seen.append(os.environ.get("_X_AMZN_TRACE_ID"))
        await start(send)
        await piece(send, b"", more=False)

    api.invoke(function_url(), headers={"Lambda-Runtime-Trace-Id": "Root=1-2-3"})
    api.invoke(function_url())
    serve(app)
    await api.polled(3)
    assert seen == ["Root=1-2-3", None]


async def test_concurrent_invocations_leave_environment_alone(
    api: RuntimeApi, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "of the process")
    call = api.invoke(function_url(), headers={"Lambda-Runtime-Trace-Id": "Root=1-2-3"})
    serve(hello, AWS_LAMBDA_MAX_CONCURRENCY="2")
    await call.end()
    assert os.environ["_X_AMZN_TRACE_ID"] == "of the process"


async def test_cookies_and_repeated_headers_arrive(api: RuntimeApi, serve: Serve) -> None:
    @http
    async def app(send: Send) -> None:
        headers = (b"set-cookie", b"a=1"), (b"vary", b"x"), (b"set-cookie", b"b=2"), (b"vary", b"y")
        await start(send, 200, headers)
        await piece(send, b"", more=False)

    call = api.invoke(function_url())
    serve(app)
    await call.end()
    assert call.prelude == {"statusCode": 200, "headers": {"vary": "x, y"}, "cookies": ["a=1", "b=2"]}


async def test_concurrency_follows_environment(api: RuntimeApi, serve: Serve) -> None:
    here = 0
    all_here = asyncio.Event()

    @http
    async def app(send: Send) -> None:
        nonlocal here
        here += 1
        if here == 4:
            all_here.set()
        await all_here.wait()
        await start(send)
        await piece(send, b"ok", more=False)

    calls = [api.invoke(function_url()) for _ in range(4)]
    serve(app, AWS_LAMBDA_MAX_CONCURRENCY="4")
    assert [(await call.end()).content for call in calls] == [b"ok"] * 4
