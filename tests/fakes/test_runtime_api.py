"""The emulated Runtime API, tested with bytes: its events,
and the violations that it reports.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from tests.fakes.bandwidth import Bandwidth
from tests.fakes.invocation import Call, Fault
from tests.fakes.runtime_api import RuntimeApi

PRELUDE = b'{"statusCode": 200, "headers": {}, "cookies": []}'
STREAMING = {
    "Lambda-Runtime-Function-Response-Mode": "streaming",
    "Transfer-Encoding": "chunked",
    "Content-Type": "application/vnd.awslambda.http-integration-response",
    "Trailer": "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
}
ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"


@pytest.fixture
async def api() -> AsyncIterator[RuntimeApi]:
    async with RuntimeApi() as api:
        yield api


def chunked(*chunks: bytes, trailers: str = "") -> bytes:
    framed = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return framed + b"0\r\n" + trailers.encode() + b"\r\n"


async def send(api: RuntimeApi, request: str, headers: Mapping[str, str], body: bytes = b"") -> str:
    """Sends a request. Returns the head of the answer."""
    host, _, port = api.address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"{request} HTTP/1.1\r\n{lines}\r\n".encode() + body)
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode()
    finally:
        writer.close()
        await writer.wait_closed()


async def respond(api: RuntimeApi, call: Call, body: bytes, **changes: str) -> str:
    """Posts a streamed response with valid headers, except
    `changes`, in which _ means -.
    """
    echo = {"Lambda-Runtime-Invocation-Id": call.sent_headers["Lambda-Runtime-Invocation-Id"]}
    changed = {name.replace("_", "-"): value for name, value in changes.items()}
    return await send(api, f"POST /2018-06-01/runtime/invocation/{call.id}/response", STREAMING | echo | changed, body)


async def break_off(
    api: RuntimeApi, call: Call, body: bytes, headers: Mapping[str, str] = STREAMING, resource: str = "response"
) -> None:
    """Posts a part of a response, and closes the connection."""
    host, _, port = api.address.partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    path = f"/2018-06-01/runtime/invocation/{call.id}/{resource}"
    writer.write(f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body)
    writer.close()
    await writer.wait_closed()


async def test_event_comes_with_headers(api: RuntimeApi) -> None:
    call = api.invoke({"a": 1}, headers={"Lambda-Runtime-Trace-Id": "Root=1"})
    head = await send(api, "GET /2018-06-01/runtime/invocation/next", {})
    assert f"Lambda-Runtime-Aws-Request-Id: {call.id}" in head
    assert "Lambda-Runtime-Trace-Id: Root=1" in head
    assert "Lambda-Runtime-Deadline-Ms: " in head


async def test_chunks_are_kept_separate(api: RuntimeApi) -> None:
    call = api.invoke({})
    head = await respond(api, call, chunked(PRELUDE, bytes(8), b"a", b"bc"))
    assert head.startswith("HTTP/1.1 202")
    assert [chunk.data for chunk in call.chunks] == [PRELUDE, bytes(8), b"a", b"bc"]
    assert (call.content, api.violations) == (b"abc", [])


@pytest.mark.parametrize(
    ("body", "violation"),
    [
        (chunked(PRELUDE + bytes(8), b"abc"), "the second chunk is the delimiter"),
        (chunked(PRELUDE), "the second chunk is the delimiter"),
        (chunked(b"200", bytes(8)), "the first chunk is the prelude"),
        (chunked(b'{"statusCode": 200}', bytes(8)), "the first chunk is the prelude"),
        (chunked(PRELUDE[:-1] + b" " * 17_000 + b"}", bytes(8)), "the delimiter comes in time"),
        (chunked(PRELUDE, bytes(8), trailers="X-Other: 1\r\n"), "trailers are announced"),
        (chunked(PRELUDE, bytes(8), trailers=f"{ERROR_TYPE}: Function.{'E' * 5000}\r\n"), "trailers are short"),
        (chunked(PRELUDE, bytes(8), trailers=f"{ERROR_TYPE}: ValueError\r\n"), "a type of the form"),
    ],
)
async def test_wrong_framing_is_violation(api: RuntimeApi, body: bytes, violation: str) -> None:
    await respond(api, api.invoke({}), body)
    assert any(violation in found for found in api.violations)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Lambda_Runtime_Function_Response_Mode", "Streaming"),
        ("Content_Type", "application/json"),
        ("Lambda_Runtime_Invocation_Id", "another"),
    ],
)
async def test_wrong_header_is_violation(api: RuntimeApi, header: str, value: str) -> None:
    await respond(api, api.invoke({}), chunked(PRELUDE, bytes(8)), **{header: value})
    assert len(api.violations) == 1


async def test_cut_stream_is_truncated(api: RuntimeApi) -> None:
    whole = chunked(PRELUDE, bytes(8), b"half", trailers=f"{ERROR_TYPE}: Function.ValueError\r\n")
    calls = [api.invoke({}) for _ in whole]
    for size, call in enumerate(calls):
        await break_off(api, call, whole[:size])
        await call.end()
    assert all(call.truncated for call in calls)
    assert api.violations == ["response: broken off by the runtime"] * len(calls)


@pytest.mark.parametrize("resource", ["response", "error"])
async def test_short_body_is_truncated(api: RuntimeApi, resource: str) -> None:
    call = api.invoke({})
    await break_off(api, call, b"{}", {"Content-Length": "3"}, resource)
    assert (await call.end()).truncated
    assert api.violations == [f"{resource}: broken off by the runtime"]


async def test_complete_stream_is_not_truncated(api: RuntimeApi) -> None:
    call = api.invoke({})
    await respond(api, call, chunked(PRELUDE, bytes(8)))
    assert not call.truncated


async def test_expected_cut_is_no_violation(api: RuntimeApi) -> None:
    call = api.invoke({})
    call.may_be_truncated = True
    await break_off(api, call, chunked(PRELUDE, bytes(8), b"half")[:-5])
    assert ((await call.end()).truncated, call.content, api.violations) == (True, b"half", [])


async def test_cut_by_fault_is_no_violation(api: RuntimeApi) -> None:
    call = api.invoke({}, fault=Fault(cut_after=2))
    await break_off(api, call, chunked(PRELUDE, bytes(8), b"half")[:-5])
    assert not (await call.end()).truncated
    assert api.violations == []


async def test_cut_of_last_stream_is_violation() -> None:
    async with RuntimeApi() as api:
        call = api.invoke({}, keeps=False)
        await break_off(api, call, chunked(PRELUDE, bytes(8), *[bytes(1000)] * 1000)[:-5])
        await call.chunk(1)
    assert api.violations == ["response: broken off by the runtime"]


async def test_unread_response_does_not_delay_end() -> None:
    async with RuntimeApi() as api:
        call = api.invoke({}, fault=Fault(hold=asyncio.Event()))
        await break_off(api, call, b"")
        await call.until(lambda: call.resource)
    assert api.violations == []


async def test_invalid_chunk_size_is_violation(api: RuntimeApi) -> None:
    call = api.invoke({})
    await break_off(api, call, b"some\r\n")
    await call.end()
    assert any("cannot be read" in found for found in api.violations)


async def hand_out(api: RuntimeApi) -> None:
    await send(api, "GET /2018-06-01/runtime/invocation/next", {})


async def test_response_is_cut_at_deadline(api: RuntimeApi) -> None:
    api.enforces_deadlines = True
    call = api.invoke({}, deadline=0.2)
    await hand_out(api)
    with pytest.raises(asyncio.IncompleteReadError):
        await respond(api, call, chunked(PRELUDE, bytes(8), b"half")[:-5])
    assert (call.timed_out, call.content) == (True, b"half")


async def test_response_in_time_is_complete(api: RuntimeApi) -> None:
    api.enforces_deadlines = True
    call = api.invoke({}, deadline=30)
    await hand_out(api)
    assert "202" in await respond(api, call, chunked(PRELUDE, bytes(8)))
    assert not call.timed_out


async def test_bandwidth_limits_stream(api: RuntimeApi) -> None:
    api.bandwidth = lambda: Bandwidth(burst=len(PRELUDE) + 8 + 1000, rate=10_000)
    call = api.invoke({})
    await respond(api, call, chunked(PRELUDE, bytes(8), bytes(1000), bytes(1000), bytes(1000)))
    first, *_, last = call.chunks[2:]
    assert last.at - first.at > 0.15  # 2,000 bytes beyond the burst


async def test_early_answer_comes_before_the_body(api: RuntimeApi) -> None:
    api.answers_early = True
    call = api.invoke({})
    assert "202" in await respond(api, call, b"")
    assert (call.posts, call.chunks) == (1, [])
    call.may_be_truncated = True


async def test_body_is_read_on_after_an_early_answer(api: RuntimeApi) -> None:
    api.answers_early = True
    call = api.invoke({})
    await respond(api, call, chunked(PRELUDE, bytes(8), b"abc"))
    assert (await call.end()).content == b"abc"
    assert api.violations == []


async def test_fault_of_the_answer_is_never_early(api: RuntimeApi) -> None:
    api.answers_early = True
    call = api.invoke({}, fault=Fault(answer=410))
    assert "410" in await respond(api, call, chunked(PRELUDE, bytes(8)))


async def test_prefix_is_part_of_every_path() -> None:
    async with RuntimeApi(prefix="/.rt/chat") as api:
        api.invoke({})
        api.address = api.address.removesuffix("/.rt/chat")
        assert "200" in await send(api, "GET /.rt/chat/2018-06-01/runtime/invocation/next", {})
        assert "400" in await send(api, "GET /2018-06-01/runtime/invocation/next", {})
        assert len(api.violations) == 1


async def test_second_response_is_refused(api: RuntimeApi) -> None:
    call = api.invoke({})
    await respond(api, call, chunked(PRELUDE, bytes(8)))
    assert (await respond(api, call, chunked(PRELUDE, bytes(8)))).startswith("HTTP/1.1 403")
    assert api.violations == ["response after response"]


async def test_unknown_invocation_is_refused(api: RuntimeApi) -> None:
    head = await send(api, "POST /2018-06-01/runtime/invocation/unknown/response", {"Content-Length": "0"})
    assert head.startswith("HTTP/1.1 400")
    assert len(api.violations) == 1


async def test_snapshot_waits_for_restore(api: RuntimeApi) -> None:
    api.restoring = asyncio.Event()
    restored = asyncio.create_task(send(api, "GET /2018-06-01/runtime/restore/next", {}))
    await api.until(lambda: api.snapshots)
    assert not restored.done()
    api.restoring.set()
    assert "200" in await restored


async def test_disconnected_poller_gets_no_event(api: RuntimeApi) -> None:
    host, _, port = api.address.partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n")
    await api.until(lambda: api.waiting == 1)
    writer.close()
    await api.until(lambda: api.waiting == 0)
    api.invoke({})
    assert "200" in await send(api, "GET /2018-06-01/runtime/invocation/next", {})
