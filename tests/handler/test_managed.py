"""The service on the managed runtime's client, which calls
a plain function from one thread.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from mangum.types import ASGI, Send

from handler.environment import Environment, LambdaContext
from handler.managed import lambda_handler as stock
from handler.protocol import Invocation
from handler.reporting import Failure
from tests.handler.apps import http, piece, start
from tests.handler.events import function_url, http_api, load_balancer, rest_api

ROOT = Path(__file__).parents[2]
CALL = """
import json, sys
from handler.buffered import handler
from handler.environment import Environment, LambdaContext
from handler.protocol import Invocation
context = LambdaContext.of(Invocation("r1", deadline=4e9), Environment())
print(json.dumps([handler(event, context) for event in json.loads(sys.argv[1])]))
"""


def lambda_handler(app: ASGI, *arguments: Any, **options: Any) -> Callable[[object, LambdaContext], Any]:
    """The function; its responses are JSON of any form."""
    return stock(app, *arguments, **options)


@pytest.fixture
def closed_at_exit(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[Any, ...]]]:
    """The functions registered for the end of the process;
    they run at the end of the test.
    """
    registered: list[tuple[Any, ...]] = []
    monkeypatch.setattr("atexit.register", lambda *call: registered.append(call))
    yield registered
    for function, *arguments in registered:
        function(*arguments)
    asyncio.set_event_loop(None)


def context(seconds: float = 30) -> LambdaContext:
    return LambdaContext.of(Invocation("r1", deadline=time.time() + seconds), Environment())


def app_with(events: list[str]) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        events.append("startup")
        yield {"loop": asyncio.get_running_loop()}
        events.append("shutdown")

    app = FastAPI(lifespan=lifespan)
    left: list[asyncio.Task[None]] = []

    @app.get("/")
    async def same_loop(request: Request) -> bool:
        return request.state.loop is asyncio.get_running_loop()

    @app.get("/invocation")
    async def invocation(request: Request) -> dict[str, Any]:
        return dict(request.scope["extensions"]["rivulet.invocation"])

    @app.get("/exits")
    async def exits() -> None:
        sys.exit(3)

    @app.get("/hangs")
    async def hangs() -> None:
        await asyncio.Event().wait()

    @app.get("/leaves")
    async def leaves() -> bool:
        left.append(asyncio.create_task(work()))
        return True

    async def work() -> None:
        for _ in range(100):  # the response ends before the app
            await asyncio.sleep(0)
        events.append("left task done")

    return app


@pytest.mark.usefixtures("closed_at_exit")
@pytest.mark.parametrize("event", [function_url(), rest_api(), load_balancer()])
def test_each_source_gets_its_form(event: dict[str, Any]) -> None:
    response = lambda_handler(app_with([]))(event, context())
    assert (response["statusCode"], response["body"]) == (200, "true")


@pytest.mark.usefixtures("closed_at_exit")
def test_requests_share_loop_of_lifespan() -> None:
    events: list[str] = []
    handler = lambda_handler(app_with(events))
    assert [handler(function_url(), context())["body"] for _ in range(3)] == ["true"] * 3
    assert events == ["startup"]


def test_process_exit_abandons_lifespan(
    closed_at_exit: list[tuple[Any, ...]],
) -> None:
    events: list[str] = []
    lambda_handler(app_with(events))
    [(end, *arguments)] = closed_at_exit
    closed_at_exit.clear()
    end(*arguments)
    assert events == ["startup"]


@pytest.mark.usefixtures("closed_at_exit")
def test_app_receives_invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1")
    response = lambda_handler(app_with([]))(function_url("/invocation"), context())
    assert '"request_id":"r1","trace_id":"Root=1","deadline":' in response["body"]


@pytest.mark.usefixtures("closed_at_exit")
def test_a_ping_is_answered_without_the_app() -> None:
    response = lambda_handler(app_with([]))({"warmer": True, "concurrency": 3}, context())
    assert response == {"statusCode": 200, "status": "ok"}


@pytest.mark.usefixtures("closed_at_exit")
def test_a_stage_and_a_base_path_are_removed() -> None:
    handler = lambda_handler(app_with([]), Environment(base_path="/bots"))
    paths = [rest_api("/bots/"), http_api("/v1/", stage="v1"), load_balancer("/bots/"), function_url("/")]
    assert [handler(event, context())["body"] for event in paths] == ["true"] * 4


@pytest.mark.usefixtures("closed_at_exit")
@pytest.mark.parametrize(
    ("event", "name"),
    [
        ({"Records": []}, "Function.UnsupportedEvent"),
        (function_url("/exits"), "Function.AppExit"),
        (function_url("/hangs"), "Function.DeadlineExceeded"),
    ],
)
def test_failure_is_raised_by_type_name(event: dict[str, Any], name: str) -> None:
    failures: list[Failure] = []
    handler = lambda_handler(app_with([]), on_failure=failures.append)
    with pytest.raises(Exception, match=r".+") as raised:
        handler(event, context(seconds=0.4))
    assert type(raised.value).__name__ == name
    assert [failure.error_type for failure in failures] == [name]
    assert handler(function_url(), context())["body"] == "true"


@pytest.mark.usefixtures("closed_at_exit")
def test_exception_of_app_is_raised_unchanged() -> None:
    @http
    async def app(send: Send) -> None:
        await start(send)
        raise ZeroDivisionError("no")

    failures: list[Failure] = []
    with pytest.raises(ZeroDivisionError, match="no"):
        lambda_handler(app, on_failure=failures.append)(function_url(), context())
    assert [failure.error_type for failure in failures] == ["Function.ZeroDivisionError"]


@pytest.mark.usefixtures("closed_at_exit")
def test_a_caller_without_a_deadline_is_answered() -> None:
    @http
    async def app(send: Send) -> None:
        for _ in range(100):  # a deadline of 0 would end it here
            await asyncio.sleep(0)
        await start(send)
        await piece(send, b"", more=False)

    without = LambdaContext.of(Invocation("r1"), Environment())
    assert lambda_handler(app)(function_url(), without)["statusCode"] == 200


@pytest.mark.usefixtures("closed_at_exit")
def test_what_the_app_leaves_running_is_waited_for() -> None:
    events: list[str] = []
    handler = lambda_handler(app_with(events))
    assert handler(function_url("/leaves"), context())["body"] == "true"
    assert events == ["startup", "left task done"]


@pytest.mark.usefixtures("closed_at_exit")
def test_failing_startup_fails_import() -> None:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        raise ValueError("no key")
        yield

    with pytest.raises(ValueError, match="no key"):
        lambda_handler(FastAPI(lifespan=lifespan))


def buffered_entry_point(
    cwd: Path, events: list[dict[str, Any]], **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Runs the real application's function on these events.

    Its last line of output is the responses.
    """
    environment = {"PYTHONPATH": str(ROOT), "OPENAI_API_KEY": "sk-test", **variables}
    command = [sys.executable, "-W", "error", "-c", CALL, json.dumps(events)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_real_app_answers_through_buffered_entry_point(tmp_path: Path) -> None:
    paths = ["/bots/api/health", "/bots/", "/bots", "/bots/favicon.svg", "/none"]
    finished = buffered_entry_point(tmp_path, [{}, *map(load_balancer, paths)], BASE_PATH="/bots")
    assert finished.stderr == ""
    ping, health, page, no_slash, icon, none = json.loads(finished.stdout.splitlines()[-1])
    assert ping == {"statusCode": 200, "status": "ok"}
    assert (health["statusCode"], json.loads(health["body"])) == (200, {"status": "ok"})
    assert (page["statusCode"], page["body"][:15]) == (200, "<!doctype html>")
    assert (no_slash["statusCode"], no_slash["headers"]["location"]) == (307, "/bots/")
    assert (icon["isBase64Encoded"], icon["body"][:4]) == (False, "<svg")
    assert (none["isBase64Encoded"], json.loads(none["body"])["status"]) == (False, 404)


def test_unusable_base_path_fails_import_by_name(tmp_path: Path) -> None:
    finished = buffered_entry_point(tmp_path, [], BASE_PATH="bots/")
    assert finished.returncode == 1
    assert "BASE_PATH" in finished.stderr.splitlines()[-1]
