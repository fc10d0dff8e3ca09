"""The forms of AWS_LAMBDA_RUNTIME_API on Lambda, proxies
and emulators, and its path.
"""

import pytest
from mangum.types import ASGI, Send

from handler.endpoint import Endpoint
from handler.errors import InvalidEnvironmentError
from handler.runtime import run
from tests.fakes.runtime_api import RuntimeApi
from tests.handler.apps import hello, http, in_time
from tests.handler.conftest import Serve
from tests.handler.events import function_url, load_balancer


@pytest.fixture(params=["", "/.rt/chat", "/a"])
def prefix(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def read(text: str) -> Endpoint:
    return Endpoint.read({"AWS_LAMBDA_RUNTIME_API": text})


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("127.0.0.1:9001", Endpoint("127.0.0.1", 9001, "127.0.0.1:9001")),
        ("localhost:9001", Endpoint("localhost", 9001, "localhost:9001")),
        ("127.0.0.1:9000/.rt/chat", Endpoint("127.0.0.1", 9000, "127.0.0.1:9000", "/.rt/chat")),
        ("127.0.0.1:9000/.rt/chat/", Endpoint("127.0.0.1", 9000, "127.0.0.1:9000", "/.rt/chat")),
        ("127.0.0.1:9000/", Endpoint("127.0.0.1", 9000, "127.0.0.1:9000")),
        ("http://127.0.0.1:9000/.rt", Endpoint("127.0.0.1", 9000, "127.0.0.1:9000", "/.rt")),
        ("[::1]:9001", Endpoint("::1", 9001, "[::1]:9001")),
        ("[::1]:9001/.rt/_", Endpoint("::1", 9001, "[::1]:9001", "/.rt/_")),
        ("sandbox", Endpoint("sandbox", 80, "sandbox")),
        (" 127.0.0.1:9001\n", Endpoint("127.0.0.1", 9001, "127.0.0.1:9001")),
    ],
)
def test_every_form_is_read(text: str, endpoint: Endpoint) -> None:
    assert read(text) == endpoint


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ":9001", "host:port", "host:99999", "[::1:1", "http://", "/only/a/path"),
        *("https://host:1", "host:1/?a", "host:1/#a", "me@host:1"),
        *("host:1/a b", "hôst:1", "host:1/ä", "host:1/a\x00b", "host:1\\a"),
    ],
)
def test_anything_else_is_error_that_names_variable(text: str) -> None:
    with pytest.raises(InvalidEnvironmentError, match="AWS_LAMBDA_RUNTIME_API"):
        read(text)


async def test_process_ends_if_the_address_is_unusable(caplog: pytest.LogCaptureFixture) -> None:
    assert await run(lambda: hello, {"AWS_LAMBDA_RUNTIME_API": "host:port"}) == 1
    assert "AWS_LAMBDA_RUNTIME_API must be" in caplog.text


async def test_events_and_responses_have_the_prefix(api: RuntimeApi, serve: Serve) -> None:
    calls = [api.invoke(function_url()), api.invoke(load_balancer()), api.invoke({"warmup": True})]
    serve(hello)
    assert [(await call.end()).resource for call in calls] == ["response"] * 3


async def test_failure_of_an_invocation_has_the_prefix(api: RuntimeApi, serve: Serve) -> None:
    @http
    async def app(send: Send) -> None:
        del send
        raise ValueError

    call = api.invoke(function_url())
    serve(app)
    assert (await call.end()).resource == "error"


async def test_init_error_has_the_prefix(api: RuntimeApi) -> None:
    apps: list[ASGI] = []
    assert await in_time(run(apps.pop, {"AWS_LAMBDA_RUNTIME_API": api.address})) == 1
    assert (await api.init_failed())["errorType"] == "IndexError"


async def test_restore_has_the_prefix(api: RuntimeApi, serve: Serve) -> None:
    serve(hello, AWS_LAMBDA_INITIALIZATION_TYPE="snap-start")
    await api.polled(1)
    assert api.snapshots == 1


async def test_restore_error_has_the_prefix(api: RuntimeApi) -> None:
    apps: list[ASGI] = [hello]
    variables = {"AWS_LAMBDA_RUNTIME_API": api.address, "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
    assert await in_time(run(apps.pop, variables)) == 65
    assert api.restore_error
