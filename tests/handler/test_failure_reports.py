"""The metric of failures, over real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from mangum.types import ASGI
from starlette.background import BackgroundTask
from starlette.responses import Response

from handler.metrics import failure_metric
from handler.reporting import Failure, FailureStage, OnFailure
from handler.runtime import run
from tests.fakes.invocation import Fault
from tests.fakes.runtime_api import RuntimeApi
from tests.handler.apps import hello
from tests.handler.conftest import Serve
from tests.handler.events import function_url, load_balancer
from tests.handler.test_failures import fails_after_a_piece, fails_at_once, stops_half_way
from tests.handler.test_faults import endless


@pytest.fixture(params=[False, True], ids=["answer at the end", "early answer"])
def answers_early(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
async def failures() -> list[Failure]:
    return []


@pytest.fixture
async def counted(api: RuntimeApi, failures: list[Failure]) -> AsyncIterator[Serve]:
    """Like `serve`, with a counter of failures."""
    running: list[asyncio.Task[int]] = []

    def start(app: ASGI, on_failure: OnFailure = failures.append) -> asyncio.Task[int]:
        running.append(asyncio.create_task(run(lambda: app, {"AWS_LAMBDA_RUNTIME_API": api.address}, on_failure)))
        return running[-1]

    yield start
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


def background_failure() -> None:
    raise ValueError("in the background")


@pytest.mark.parametrize(
    ("app", "event", "fault", "moment", "error_type"),
    [
        (fails_at_once, function_url(), Fault(), FailureStage.BEFORE_FIRST_BYTE, "Function.ValueError"),
        (fails_after_a_piece, function_url(), Fault(), FailureStage.AFTER_FIRST_BYTE, "Function.ValueError"),
        (fails_after_a_piece, load_balancer(), Fault(), FailureStage.BEFORE_FIRST_BYTE, "Function.ValueError"),
        (stops_half_way, function_url(), Fault(), FailureStage.AFTER_FIRST_BYTE, "Function.IncompleteResponse"),
        (hello, {"Records": []}, Fault(), FailureStage.EVENT, "Function.UnsupportedEvent"),
        (hello, function_url(), Fault(answer=413), FailureStage.DELIVERY, "Runtime.Refused"),
        (endless, function_url(), Fault(cut_after=3), FailureStage.DELIVERY, None),
        (
            Response("ok", background=BackgroundTask(background_failure)),
            function_url(),
            Fault(),
            FailureStage.AFTER_RESPONSE,
            "Function.ValueError",
        ),
    ],
)
async def test_failure_is_counted_once(
    api: RuntimeApi,
    counted: Serve,
    failures: list[Failure],
    app: ASGI,
    event: object,
    fault: Fault,
    moment: FailureStage,
    error_type: str | None,
) -> None:
    call = api.invoke(event, fault=fault)
    counted(app)
    await api.polled(2)
    [failure] = failures
    assert (failure.stage, failure.request_id) == (moment, call.id)
    assert error_type in (None, failure.error_type)


async def test_success_is_not_counted(api: RuntimeApi, counted: Serve, failures: list[Failure]) -> None:
    api.invoke(function_url())
    api.invoke({})
    counted(hello)
    await api.polled(3)
    assert failures == []


async def test_failing_counter_is_harmless(api: RuntimeApi, counted: Serve, caplog: pytest.LogCaptureFixture) -> None:
    def fail(failure: Failure) -> None:
        raise ValueError(f"no metric for {failure.stage}")

    call = api.invoke(function_url())
    counted(fails_after_a_piece, fail)
    assert (await call.end()).error_type == "Function.ValueError"
    assert "no metric" in caplog.text


def test_metric_is_one_emf_document(capsys: pytest.CaptureFixture[str]) -> None:
    failure_metric("Rivulet")(Failure(FailureStage.AFTER_FIRST_BYTE, "Function.ValueError", "r1"))
    document = json.loads(capsys.readouterr().out)
    [directive] = document["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Metrics"][0]["Name"]) == ("Rivulet", "Failures")
    assert (document["moment"], document["Failures"]) == ("after_first_byte", [1.0])
    assert (document["error_type"], document["request_id"]) == ("Function.ValueError", "r1")


@pytest.mark.parametrize("namespace", [None, ""])
def test_no_namespace_means_no_metric(namespace: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    failure_metric(namespace)(Failure(FailureStage.EVENT, "Function.UnsupportedEvent", "r1"))
    assert capsys.readouterr().out == ""
