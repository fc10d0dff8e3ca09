"""Mangum on the stock runtime client, which calls a plain function from one thread."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request

from handler.environment import Environment, LambdaContext
from handler.protocol import Invocation
from handler.stock import on_stock_client
from tests.handler.events import function_url, load_balancer, rest_api

ROOT = Path(__file__).parents[2]
CALL = """
import json, sys
from handler.buffered import handler
from handler.environment import Environment, LambdaContext
from handler.protocol import Invocation
context = LambdaContext.of(Invocation("r1", deadline=4e9), Environment())
print(json.dumps([handler(event, context) for event in json.loads(sys.argv[1])]))
"""


@pytest.fixture
def closed_at_exit(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[Any, ...]]]:
    """What is registered to run at the end of the process; it runs at the end of the test."""
    registered: list[tuple[Any, ...]] = []
    monkeypatch.setattr("atexit.register", lambda *call: registered.append(call))
    yield registered
    for function, *arguments in registered:
        function(*arguments)
    asyncio.set_event_loop(None)


def context() -> LambdaContext:
    return LambdaContext.of(Invocation("r1", deadline=time.time() + 30), Environment())


def app_with(events: list[str]) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        events.append("startup")
        yield {"loop": asyncio.get_running_loop()}
        events.append("shutdown")

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def same_loop(request: Request) -> bool:
        return request.state.loop is asyncio.get_running_loop()

    @app.get("/invocation")
    async def invocation(request: Request) -> dict[str, Any]:
        return dict(request.scope["extensions"]["rivulet.invocation"])

    return app


@pytest.mark.usefixtures("closed_at_exit")
@pytest.mark.parametrize("event", [function_url(), rest_api(), load_balancer()])
def test_each_source_is_answered_in_its_form(event: dict[str, Any]) -> None:
    response = on_stock_client(app_with([]))(event, context())
    assert (response["statusCode"], response["body"]) == (200, "true")


@pytest.mark.usefixtures("closed_at_exit")
def test_requests_run_on_the_loop_of_the_one_lifespan() -> None:
    events: list[str] = []
    handler = on_stock_client(app_with(events))
    assert [handler(function_url(), context())["body"] for _ in range(3)] == ["true"] * 3
    assert events == ["startup"]


def test_at_the_end_of_the_process_the_lifespan_is_left_without_a_shutdown(
    closed_at_exit: list[tuple[Any, ...]],
) -> None:
    events: list[str] = []
    on_stock_client(app_with(events))
    [(end, *arguments)] = closed_at_exit
    closed_at_exit.clear()
    end(*arguments)
    assert events == ["startup"]


@pytest.mark.usefixtures("closed_at_exit")
def test_the_app_learns_the_invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1")
    response = on_stock_client(app_with([]))(function_url("/invocation"), context())
    assert '"request_id":"r1","trace_id":"Root=1","deadline":' in response["body"]


@pytest.mark.usefixtures("closed_at_exit")
def test_a_startup_that_fails_fails_the_import() -> None:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        raise ValueError("no key")
        yield

    with pytest.raises(ValueError, match="no key"):
        on_stock_client(FastAPI(lifespan=lifespan))


def test_the_real_app_answers_through_the_buffered_door(tmp_path: Path) -> None:
    events = json.dumps([function_url("/api/health"), load_balancer("/")])
    environment = {"PYTHONPATH": str(ROOT), "OPENAI_API_KEY": "sk-test"}
    command = [sys.executable, "-W", "error", "-c", CALL, events]
    finished = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert finished.stderr == ""
    health, page = json.loads(finished.stdout.splitlines()[-1])
    assert (health["statusCode"], json.loads(health["body"])) == (200, {"status": "ok"})
    assert (page["statusCode"], page["body"][:15]) == (200, "<!doctype html>")
