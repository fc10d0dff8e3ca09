"""`python -m handler`: the real app in a process between the
emulated Runtime API and the stand-in.
"""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from infra.standin.server import StandIn
from tests.fakes.runtime_api import RuntimeApi
from tests.handler.apps import in_time
from tests.handler.events import function_url

ROOT = Path(__file__).parents[2]
HELD = [{"created": True}, {"text": "first"}, {"gate": "second"}, {"text": " second"}, {"completed": True}]

Start = Callable[..., Awaitable[Process]]


@pytest.fixture(params=[False, True], ids=["answer at the end", "early answer"])
def answers_early(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
async def start(api: RuntimeApi, standin: StandIn, tmp_path: Path) -> AsyncIterator[Start]:
    """Starts the entry point like the wrapper, in a directory
    without `.env`; keywords are variables.
    """
    started: list[Process] = []
    ours = {
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": standin.base_url,
        "PYTHONPATH": str(ROOT),
    }

    async def start(**variables: str) -> Process:
        command = (sys.executable, "-m", "handler")
        process = await asyncio.create_subprocess_exec(
            *command, cwd=tmp_path, env=ours | variables, stdout=PIPE, stderr=PIPE
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
        await in_time(process.communicate())


async def test_first_token_leaves_before_second_arrives(api: RuntimeApi, standin: StandIn, start: Start) -> None:
    event = function_url("/api/chat/stream", "POST", body=json.dumps({"message": f"/play {json.dumps(HELD)}"}))
    event["headers"]["content-type"] = "application/json"
    call = api.invoke(event)
    process = await start()
    await call.until(lambda: b'"first"' in call.content)
    assert b'"second"' not in call.content
    assert not call.ended
    standin.open_gate("second")
    await call.end()
    assert call.content.rstrip().splitlines()[-2] == b"event: end"
    await api.polled(2)
    process.terminate()
    await in_time(process.communicate())
    assert process.returncode == 0


async def test_sigterm_during_answer_stops_it(api: RuntimeApi, standin: StandIn, start: Start) -> None:
    event = function_url("/chat-stream", query=f"message={quote(f'/play {json.dumps(HELD)}')}")
    call = api.invoke(event)
    process = await start()
    await call.until(lambda: b"first" in call.content)
    process.terminate()
    stdout, stderr = await in_time(process.communicate())
    assert (await call.end()).error_type == "Runtime.ShuttingDown"
    assert (await standin.wait_ended_async()).state == "closed"
    assert (b"does not stop" in stdout + stderr, process.returncode) == (False, 0)


@pytest.mark.parametrize(("initialization", "is_late"), [("on-demand", True), ("provisioned-concurrency", False)])
async def test_application_is_built_after_page(
    api: RuntimeApi, start: Start, initialization: str, is_late: bool
) -> None:
    page = api.invoke(function_url("/"))
    process = await start(AWS_LAMBDA_INITIALIZATION_TYPE=initialization)
    await page.end()
    await api.polled(2)
    health = api.invoke(function_url("/api/health"))
    await health.end()
    assert (page.content[:9], health.content) == (b"<!doctype", b'{"status":"ok"}')
    process.terminate()
    stdout, _ = await in_time(process.communicate())
    assert (b"the application is ready" in stdout) == is_late
    assert process.returncode == 0


async def test_ping_builds_application(api: RuntimeApi, start: Start) -> None:
    ping = api.invoke({"warmup": True})
    process = await start()
    await ping.end()
    await api.polled(2)
    process.terminate()
    stdout, _ = await in_time(process.communicate())
    assert b"the application is ready" in stdout


@pytest.mark.parametrize("initialization", ["on-demand", "provisioned-concurrency"])
async def test_unusable_store_is_init_error(api: RuntimeApi, start: Start, tmp_path: Path, initialization: str) -> None:
    (tmp_path / "file").touch()
    process = await start(DATA_DIR=str(tmp_path / "file"), AWS_LAMBDA_INITIALIZATION_TYPE=initialization)
    error = await api.init_failed()
    assert (error["errorType"], api.polls) == ("ConfigurationError", 0)
    assert str(tmp_path / "file") in error["errorMessage"]
    await in_time(process.communicate())
    assert process.returncode == 1


async def test_invalid_setting_is_init_error_by_name(api: RuntimeApi, start: Start) -> None:
    process = await start(LOG_LEVEL="nonsense")
    error = await api.init_failed()
    assert (error["errorType"], api.init_error_type) == ("ConfigurationError", "Function.ConfigurationError")
    assert "LOG_LEVEL" in error["errorMessage"]
    assert "load_settings" in "".join(error["stackTrace"])
    await in_time(process.communicate())
    assert (process.returncode, api.polls) == (1, 0)


async def test_invalid_environment_is_init_error(api: RuntimeApi, start: Start) -> None:
    process = await start(AWS_LAMBDA_MAX_CONCURRENCY="many")
    assert "AWS_LAMBDA_MAX_CONCURRENCY" in (await api.init_failed())["errorMessage"]
    await in_time(process.communicate())
    assert process.returncode == 1


async def test_log_configuration_applies_and_failure_counts(api: RuntimeApi, start: Start) -> None:
    call = api.invoke({"Records": []})
    process = await start(AWS_LAMBDA_LOG_FORMAT="JSON", METRICS_NAMESPACE="Rivulet")
    await api.polled(2)
    process.terminate()
    stdout, _ = await in_time(process.communicate())
    lines = [json.loads(line) for line in stdout.splitlines()]
    [failed] = [line for line in lines if line.get("message") == "the event cannot be served"]
    assert (failed["level"], failed["request_id"]) == ("ERROR", call.id)
    [metric] = [line for line in lines if "_aws" in line]
    assert (metric["moment"], metric["request_id"]) == ("event", call.id)


async def test_metric_is_flushed_at_once(api: RuntimeApi, start: Start) -> None:
    api.invoke({"Records": []})
    process = await start(METRICS_NAMESPACE="Rivulet")
    await api.polled(2)
    process.kill()
    stdout, _ = await in_time(process.communicate())
    assert b'"_aws"' in stdout


async def test_start_outside_lambda_fails(start: Start) -> None:
    process = await start(AWS_LAMBDA_RUNTIME_API="")
    _, stderr = await in_time(process.communicate())
    assert b"AWS_LAMBDA_RUNTIME_API is not set" in stderr
    assert process.returncode == 1
