"""Opening and closing the stream: retries, time limits, keys,
with the stand-in and with bad servers.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, suppress

import pytest
from pydantic import SecretStr

from app import problems
from app.secrets import Secrets
from app.settings import Settings
from app.upstream import request as upstream_request
from app.upstream.causes import cause_of
from app.upstream.client import Item, Prompt, Upstream
from infra.standin.language import script
from infra.standin.server import StandIn
from tests.conftest import MakeSettings

HELLO: tuple[dict[str, object], ...] = ({"created": True}, {"text": "Hello"}, {"completed": {}})


def prompt(message: str) -> Prompt:
    return Prompt(items=(Item("user", message),), model="gpt-4o-mini", instructions=None, max_output_tokens=100)


class Waits:
    """A sleep that takes no time and records its durations."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@asynccontextmanager
async def upstream(
    settings: Settings, waits: Waits | None = None, secrets: Secrets | None = None
) -> AsyncIterator[Upstream]:
    opened = Upstream(settings, secrets or Secrets(settings), sleep=waits or Waits())
    yield opened
    await opened.close()


async def types(upstream: Upstream, message: str) -> list[str]:
    stream = await upstream.open(prompt(message))
    seen = [event["type"] async for event in stream]
    await stream.close()
    return seen


UNUSED = {
    "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
    "OPENAI_API_KEY": "sk-outside",
    "OPENAI_ADMIN_KEY": "sk-outside",
    "OPENAI_ORG_ID": "outside",
    "OPENAI_PROJECT_ID": "outside",
    "OPENAI_WEBHOOK_SECRET": "outside",
    "OPENAI_CUSTOM_HEADERS": "Authorization: Bearer outside\nX-Outside: outside",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "",
}


@pytest.mark.parametrize("is_blank", [False, True], ids=["set", "blank"])
async def test_the_environment_changes_no_request(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, *, is_blank: bool
) -> None:
    async with always_saying(REFUSED, holds_on=False) as (url, heard):
        settings = make_settings(openai_base_url=url)
        for name, value in UNUSED.items():
            monkeypatch.setenv(name, "" if is_blank else value)
        async with upstream(settings) as openai:
            with pytest.raises(problems.UpstreamUnauthorized):
                await types(openai, "Hi")
        request = (await heard.get()).partition(b"\r\n\r\n")[0].decode().lower()
    assert "outside" not in request
    assert "authorization: bearer sk-test" in request
    assert "openai-" not in request


async def test_organisation_and_project_are_settings(make_settings: MakeSettings) -> None:
    async with always_saying(REFUSED, holds_on=False) as (url, heard):
        settings = make_settings(openai_base_url=url, openai_org_id="org-1", openai_project_id="proj-1")
        async with upstream(settings) as openai:
            with pytest.raises(problems.UpstreamUnauthorized):
                await types(openai, "Hi")
        request = (await heard.get()).lower()
    assert b"openai-organization: org-1\r\n" in request
    assert b"openai-project: proj-1\r\n" in request


async def test_an_empty_base_url_means_openai(monkeypatch: pytest.MonkeyPatch) -> None:
    async with always_saying(b"HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n", holds_on=False) as (url, heard):
        monkeypatch.setenv("OPENAI_BASE_URL", "")
        monkeypatch.setenv("HTTPS_PROXY", url.removesuffix("/v1"))
        settings = Settings(_env_file=None, openai_api_key=SecretStr("sk-test"), openai_max_retries=0)
        async with upstream(settings) as openai:
            with pytest.raises(problems.Problem):
                await types(openai, "Hi")
        assert (await heard.get()).startswith(b"CONNECT api.openai.com:443 HTTP/1.1\r\n")


async def test_events_come_in_order(make_settings: MakeSettings) -> None:
    async with upstream(make_settings()) as openai:
        assert await types(openai, script(*HELLO)) == [
            "response.created",
            "response.output_text.delta",
            "response.completed",
        ]


@pytest.mark.parametrize("status", [429, 503])
async def test_a_declined_request_is_sent_again(make_settings: MakeSettings, standin: StandIn, status: int) -> None:
    waits = Waits()
    async with upstream(make_settings(openai_max_retries=2), waits) as openai:
        assert len(await types(openai, script({"status": status, "times": 2}, *HELLO))) == 3
    assert len(standin.requests()) == 3
    assert 0.3 < waits.seconds[0] < 0.7 < waits.seconds[1] < 1.3


JSON = {"content-type": "application/json"}
HTML = {"content-type": "text/html"}
Play = dict[str, object]
FAILURES: list[Play] = [{"status": n} for n in (400, 402, 404, 408, 409, 413, 422, 500, 501, 502, 504, 520, 529)]
REDIRECTS: list[Play] = [{"status": n, "headers": {"location": "/elsewhere"}} for n in (301, 302, 303, 307, 308)]
UNKNOWN_OUTCOME: list[Play] = [
    *FAILURES,
    *REDIRECTS,
    {"status": 200, "headers": JSON, "body": {"error": {"code": "rate_limit_exceeded"}}},
    {"status": 200, "headers": JSON, "body": {"error": {"code": 503}}},
    {"status": 200, "headers": JSON, "body": {"error": {"code": "invalid_api_key"}}},
    {"status": 200, "headers": HTML, "body": "<html>"},
    {"event": {"type": "error", "code": "rate_limit_exceeded"}},
    {"raw": 'data: {"error": {"code": 503}}\n\n'},
    {"raw": ": nothing\n\n"},
    {"raw": ""},
    {"cut": True},
]


@pytest.mark.parametrize("step", UNKNOWN_OUTCOME, ids=str)
async def test_what_may_have_been_paid_is_asked_once(
    make_settings: MakeSettings, standin: StandIn, step: dict[str, object]
) -> None:
    settings = make_settings(openai_max_retries=2, parameter_path="/rivulet/test")
    async with upstream(settings, secrets=rotating(settings, "sk-new")) as openai:
        with suppress(problems.Problem):
            await types(openai, script(step))
    assert len(standin.requests()) == 1


async def test_last_attempt_raises_its_failure(make_settings: MakeSettings, standin: StandIn) -> None:
    async with upstream(make_settings(openai_max_retries=2)) as openai:
        with pytest.raises(problems.UpstreamFailed):
            await types(openai, script({"status": 503}))
    assert len(standin.requests()) == 3


async def test_retry_waits_for_retry_after(make_settings: MakeSettings) -> None:
    waits = Waits()
    async with upstream(make_settings(openai_max_retries=1), waits) as openai:
        await types(openai, script({"status": 429, "headers": {"retry-after": "4"}, "times": 1}, *HELLO))
    assert waits.seconds == [4.0]


@pytest.mark.parametrize(
    "step",
    [
        {"status": 429, "headers": {"retry-after": "11"}},
        {"status": 429, "body": {"error": {"code": "insufficient_quota"}}},
        {"status": 400},
        {"status": 401},
    ],
    ids=["too long a wait", "no quota", "our fault", "no key"],
)
async def test_permanent_failure_is_not_retried(
    make_settings: MakeSettings, standin: StandIn, step: dict[str, object]
) -> None:
    async with upstream(make_settings(openai_max_retries=2)) as openai:
        with pytest.raises(problems.Problem):
            await types(openai, script(step))
    assert len(standin.requests()) == 1


async def test_failure_after_first_event_is_not_retried(make_settings: MakeSettings, standin: StandIn) -> None:
    async with upstream(make_settings(openai_max_retries=2)) as openai:
        with pytest.raises(problems.UpstreamCut):
            await types(openai, script({"created": True}, {"cut": True}))
    assert len(standin.requests()) == 1


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


async def test_silent_server_is_too_slow(make_settings: MakeSettings, silent_port: int) -> None:
    url = f"http://127.0.0.1:{silent_port}/v1"
    async with upstream(make_settings(openai_base_url=url, openai_timeout_first=0.2)) as openai:
        with pytest.raises(problems.UpstreamTooSlow):
            await types(openai, "Hi")


async def test_headers_without_event_are_too_slow(make_settings: MakeSettings, standin: StandIn) -> None:
    async with upstream(make_settings(openai_timeout_first=0.2)) as openai:
        with pytest.raises(problems.UpstreamTooSlow):
            await types(openai, script({"raw": ": ping\n\n"}, {"gate": "never"}, *HELLO))
    assert (await standin.wait_ended_async()).state == "closed"


@asynccontextmanager
async def always_saying(response: bytes, *, holds_on: bool) -> AsyncIterator[tuple[str, "asyncio.Queue[bytes]"]]:
    """A server with one answer for all clients, which then
    disconnects, or waits for the client to.

    Yields its address, and what each client sent until it disconnected.
    """
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        writer.write(response)
        if not holds_on:
            writer.write_eof()
        heard.put_nowait(asked + await reader.read())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", heard


REFUSED = b"HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


def broken_off(status: int) -> list[tuple[bytes, bool]]:
    """Errors whose body is cut, has a wrong type, or never ends; and whether the
    connection stays open.
    """
    head = b"HTTP/1.1 %d Error\r\ncontent-type: application/json\r\ncontent-length: 99\r\n" % status
    gzip = head + b"content-encoding: gzip\r\n\r\n" + b"x" * 99
    return [(head + b"\r\n{", False), (gzip, True), (head + b"\r\n{", True)]


@pytest.mark.parametrize("form", [0, 1, 2], ids=["cut", "not gzip", "stalled"])
@pytest.mark.parametrize(
    ("status", "problem", "attempts"),
    [
        (401, problems.UpstreamUnauthorized, 1),
        (402, problems.QuotaExhausted, 1),
        (429, problems.RateLimited, 2),
        (500, problems.UpstreamFailed, 1),
        (503, problems.UpstreamFailed, 2),
    ],
)
async def test_an_error_keeps_its_status_without_its_body(
    make_settings: MakeSettings,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    problem: type[problems.Problem],
    attempts: int,
    form: int,
) -> None:
    monkeypatch.setattr(upstream_request, "ERROR_TIME", 0.1)
    response, holds_on = broken_off(status)[form]
    async with (
        always_saying(response, holds_on=holds_on) as (url, heard),
        upstream(make_settings(openai_base_url=url, openai_max_retries=1)) as openai,
    ):
        with pytest.raises(problem):
            await types(openai, "Hi")
        async with asyncio.timeout(5):  # each client has disconnected
            assert [(await heard.get())[:4] for _ in range(attempts)] == [b"POST"] * attempts
    assert heard.empty()


async def test_an_endless_error_is_read_to_a_limit(make_settings: MakeSettings) -> None:
    head = b"HTTP/1.1 429 No\r\ncontent-type: application/json\r\ncontent-length: 999999999\r\n\r\n"
    async with (
        always_saying(head + b" " * 200_000, holds_on=True) as (url, _),
        upstream(make_settings(openai_base_url=url)) as openai,
    ):
        with pytest.raises(problems.RateLimited):
            await types(openai, "Hi")


WHOLE = {
    "object": "response",
    "status": "completed",
    "output": [{"type": "message", "content": [{"type": "output_text", "text": "whole"}]}],
}
STREAM = 'event: response.created\ndata: {"type": "response.created"}\n\n'


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        (JSON, WHOLE, ["response.completed"]),
        ({"content-type": "application/json; charset=utf-8"}, WHOLE, ["response.completed"]),
        ({"content-type": "application/vnd.x+json"}, WHOLE, ["response.completed"]),
        ({"content-type": "text/event-stream"}, WHOLE, ["response.completed"]),
        (HTML, WHOLE, ["response.completed"]),
        (JSON, json.dumps([WHOLE]), ["response.completed"]),
        (JSON, {"response": WHOLE}, ["response.completed"]),
        (JSON, WHOLE | {"status": "incomplete"}, ["response.incomplete"]),
        (JSON, WHOLE | {"status": "failed", "error": {"code": "server_error"}}, ["response.failed"]),
        ({"content-type": "TEXT/Event-Stream;charset=UTF-8"}, STREAM, ["response.created"]),
        ({"content-type": ""}, STREAM, ["response.created"]),
        (JSON, STREAM, ["response.created"]),
        ({"content-type": "text/plain"}, "\ufeff: ping\n\n" + STREAM, ["response.created"]),
    ],
    ids=str,
)
async def test_a_success_is_read_for_what_it_is(
    make_settings: MakeSettings, headers: dict[str, str], body: object, expected: list[str]
) -> None:
    async with upstream(make_settings()) as openai:
        assert await types(openai, script({"status": 200, "headers": headers, "body": body})) == expected


@pytest.mark.parametrize(
    ("headers", "body", "problem"),
    [
        (JSON, {"error": {"message": "No endpoints found", "code": 404}}, problems.UpstreamMisconfigured),
        (JSON, {"error": {"code": "rate_limit_exceeded"}}, problems.RateLimited),
        (JSON, {"error": {"code": "402"}}, problems.QuotaExhausted),
        (JSON, {"error": "insufficient_quota"}, problems.QuotaExhausted),
        (JSON, '[{"error": {"code": 429}}]', problems.RateLimited),
        (JSON, {"detail": "Not Found"}, problems.UpstreamFailed),
        (JSON, {"code": 401, "message": "no"}, problems.UpstreamUnauthorized),
        ({"content-type": "text/event-stream"}, {"error": {"code": 429}}, problems.RateLimited),
        (JSON, {"choices": [{"message": {"content": "chat completions"}}]}, problems.UpstreamMisconfigured),
        (JSON, {}, problems.UpstreamMisconfigured),
        (JSON, WHOLE | {"status": "queued", "output": []}, problems.UpstreamCut),
        (JSON, "[]", problems.UpstreamMisconfigured),
        (JSON, "{not JSON", problems.UpstreamFailed),
        (HTML, "<html>", problems.UpstreamMisconfigured),
        ({"content-type": "text/plain"}, "It works!", problems.UpstreamMisconfigured),
        ({"content-type": "image/png"}, "PNG", problems.UpstreamMisconfigured),
        (HTML, "", problems.UpstreamMisconfigured),
        ({"content-type": "text/event-stream"}, "", problems.UpstreamCut),
        ({"content-type": "text/event-stream"}, "data: [DONE]\n\n", problems.UpstreamCut),
    ],
    ids=str,
)
async def test_a_success_without_an_answer_is_its_problem(
    make_settings: MakeSettings, headers: dict[str, str], body: object, problem: type[problems.Problem]
) -> None:
    async with upstream(make_settings()) as openai:
        with pytest.raises(problem) as caught:
            await types(openai, script({"status": 200, "headers": headers, "body": body}))
    assert type(caught.value) is problem
    assert caught.value.cause["upstream_status"] == 200


@pytest.mark.parametrize("before", ["data: ping\n\n", 'data: {"type": "keepalive"}\n\n', "event: ping\ndata: {}\n\n"])
async def test_keep_alives_do_not_begin_an_answer(make_settings: MakeSettings, before: str) -> None:
    async with upstream(make_settings()) as openai:
        assert (await types(openai, script({"raw": before}, *HELLO)))[0] == "response.created"


async def test_pause_between_events_is_too_slow(make_settings: MakeSettings, standin: StandIn) -> None:
    async with upstream(make_settings(openai_timeout_between=0.2)) as openai:
        stream = await openai.open(prompt(script({"created": True}, {"gate": "never"})))
        with pytest.raises(problems.UpstreamTooSlow):
            [event async for event in stream]
        await stream.close()
    assert (await standin.wait_ended_async()).state == "closed"


async def test_a_refused_connection_is_tried_again(make_settings: MakeSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    waits = Waits()
    settings = make_settings(openai_base_url=f"http://127.0.0.1:{port}/v1", openai_max_retries=2)
    async with upstream(settings, waits) as openai:
        with pytest.raises(problems.UpstreamUnreachable) as caught:
            await types(openai, "Hi")
    assert len(waits.seconds) == 2
    assert "ConnectionRefusedError" in str(cause_of(caught.value)["error"])


async def test_a_failed_handshake_is_not_tried_again(make_settings: MakeSettings) -> None:
    async def no_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(no_tls, "127.0.0.1", 0) as server:
        waits = Waits()
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        settings = make_settings(openai_base_url=url, openai_max_retries=2)
        async with upstream(settings, waits) as openai:
            with pytest.raises(problems.UpstreamUnreachable):
                await types(openai, "Hi")
    assert waits.seconds == []


async def test_a_connection_closed_unanswered_is_not_tried_again(make_settings: MakeSettings) -> None:
    async with always_saying(b"", holds_on=False) as (url, heard):
        async with upstream(make_settings(openai_base_url=url, openai_max_retries=2)) as openai:
            with pytest.raises(problems.UpstreamUnreachable):
                await types(openai, "Hi")
        assert (await heard.get()).startswith(b"POST")
    assert heard.empty()


async def test_a_redirect_is_not_followed_but_logged(make_settings: MakeSettings, standin: StandIn) -> None:
    step = {"status": 301, "headers": {"location": "https://user:word@moved.example/v1?key=secret"}}
    async with upstream(make_settings()) as openai:
        with pytest.raises(problems.UpstreamMisconfigured, match="OPENAI_BASE_URL") as caught:
            await types(openai, script(step))
    assert len(standin.requests()) == 1
    assert "secret" not in str(cause_of(caught.value))


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port that accepts no further connection, silently."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        while True:
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0.2)
            try:
                waiting.connect(listener.getsockname())
            except TimeoutError:
                break
        yield listener.getsockname()[1]


async def test_connection_that_times_out_is_not_tried_again(make_settings: MakeSettings, full_port: int) -> None:
    url = f"http://127.0.0.1:{full_port}/v1"
    waits = Waits()
    settings = make_settings(openai_base_url=url, openai_timeout_connect=0.1, openai_max_retries=2)
    async with upstream(settings, waits) as openai:
        with pytest.raises(problems.UpstreamUnreachable):
            await types(openai, "Hi")
    assert waits.seconds == []


async def test_close_ends_generation(make_settings: MakeSettings, standin: StandIn) -> None:
    async with upstream(make_settings()) as openai:
        stream = await openai.open(prompt(script({"created": True}, {"gate": "never"})))
        await stream.close()
        assert (await standin.wait_ended_async(within=1)).state == "closed"


@pytest.mark.parametrize(
    ("first", "questions"),
    [([], 3), ([{"status": 429, "times": 1}], 2), ([{"status": 503, "times": 1}], 2)],
    ids=["after a whole answer", "after a refusal", "after a failure"],
)
async def test_connection_serves_one_question(
    make_settings: MakeSettings, standin: StandIn, first: list[dict[str, object]], questions: int
) -> None:
    async with upstream(make_settings(openai_max_retries=1)) as openai:
        message = script(*first, *HELLO)
        for _ in range(questions):
            await types(openai, message)
    ports = [request.port for request in standin.requests()]
    assert len(ports) == len(set(ports)) == 3


async def test_cancelled_open_closes_connection(make_settings: MakeSettings, standin: StandIn) -> None:
    async with upstream(make_settings()) as openai:
        opening = asyncio.create_task(types(openai, script({"gate": "never"}, *HELLO)))
        await asyncio.to_thread(standin.wait_received)
        opening.cancel()
        assert (await standin.wait_ended_async(within=1)).state == "closed"


async def test_missing_key_sends_nothing() -> None:
    async with upstream(Settings(_env_file=None)) as openai:
        with pytest.raises(problems.NotConfigured):
            await openai.open(prompt("Hi"))


async def test_compatible_server_needs_no_key(make_settings: MakeSettings, standin: StandIn) -> None:
    async with upstream(make_settings(openai_api_key=None)) as openai:
        await types(openai, script(*HELLO))
    assert standin.requests()[0].token == "none"


def rotating(settings: Settings, *keys: str) -> Secrets:
    """Secrets with the next key at each renewal."""
    newer = iter(keys)
    return Secrets(settings, load=lambda: settings.model_copy(update={"openai_api_key": SecretStr(next(newer))}))


async def test_refused_key_is_renewed_once(make_settings: MakeSettings, standin: StandIn) -> None:
    settings = make_settings(openai_api_key="sk-old", parameter_path="/rivulet/test")
    async with upstream(settings, secrets=rotating(settings, "sk-new")) as openai:
        assert len(await types(openai, script({"status": 401, "times": 1}, *HELLO))) == 3
    assert [request.token for request in standin.requests()] == ["sk-old", "sk-new"]


@pytest.mark.parametrize("renewed", ["sk-old", "sk-new"], ids=["the same key", "another wrong key"])
async def test_wrong_key_is_reported(make_settings: MakeSettings, standin: StandIn, renewed: str) -> None:
    settings = make_settings(openai_api_key="sk-old", parameter_path="/rivulet/test")
    async with upstream(settings, secrets=rotating(settings, renewed)) as openai:
        with pytest.raises(problems.UpstreamUnauthorized):
            await types(openai, script({"status": 401}))
    assert len(standin.requests()) == (1 if renewed == "sk-old" else 2)
