"""Large bodies in a separate process."""

import asyncio
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.bandwidth import Bandwidth
from tests.fakes.runtime_api import RuntimeApi
from tests.handler.apps import in_time
from tests.handler.events import function_url

MB = 1024 * 1024

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


@pytest.fixture(params=[False, True], ids=["answer at the end", "early answer"])
def answers_early(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
async def process(api: RuntimeApi) -> AsyncIterator[Process]:
    environment = {"AWS_LAMBDA_RUNTIME_API": api.address, "PATH": ""}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.handler.process", env=environment)
    yield process
    process.kill()
    await in_time(process.wait())


def memory(process: Process, name: str) -> int:
    """Returns bytes of a line of /proc/PID/status: VmRSS is
    the present use, VmHWM the maximum.
    """
    status = Path(f"/proc/{process.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024


async def test_bandwidth_limit_blocks_app_without_loss(api: RuntimeApi, process: Process) -> None:
    api.bandwidth = lambda: Bandwidth(burst=150 * MB, rate=100 * MB)
    await api.invoke(function_url("/hello")).end()
    before = memory(process, "VmRSS")
    call = await api.invoke(function_url("/large"), keeps=False).end()
    assert call.size > 200 * MB
    assert time.perf_counter() - call.handed_out > 0.45
    assert memory(process, "VmHWM") - before < 4 * MB


async def test_streaming_200_mb_keeps_memory_flat(api: RuntimeApi, process: Process) -> None:
    await api.invoke(function_url("/hello")).end()
    before = memory(process, "VmRSS")
    call = await api.invoke(function_url("/large"), keeps=False).end()
    assert call.size > 200 * MB
    assert call.trailers == {}
    assert memory(process, "VmHWM") - before < 4 * MB
