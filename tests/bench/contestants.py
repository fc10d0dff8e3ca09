"""What is measured: the processes of each contestant, their
environment, and their cost.
"""

import asyncio
import os
import shutil
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Self

from tests.bench.emulator import RuntimeApi
from tests.infra.processes import free_port

PATIENCE = 60.0  # seconds for a start
ROOT = Path(__file__).parents[2]
LWA = "uvicorn + LWA"
CORES = sorted(os.sched_getaffinity(0))
LAMBDA = {
    "AWS_LAMBDA_FUNCTION_NAME": "bench",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/bench",
    "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
    "AWS_REGION": "eu-central-1",
}


@dataclass(frozen=True)
class Contestant:
    """A way to run the tutorial's application on Lambda: its
    processes, in the order of their start.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]
    variables: Mapping[str, str] = field(default_factory=dict)

    def given(self, name: str, variables: Mapping[str, str]) -> Self:
        """Returns the same with another environment and name."""
        return replace(self, name=name, variables={**self.variables, **variables})


RIVULET = Contestant(
    "Rivulet", ((sys.executable, "-m", "handler"),), {"LOG_FORMAT": "json", "METRICS_NAMESPACE": "Rivulet"}
)
ADAPTER = Contestant("its adapter", ((sys.executable, "-m", "tests.bench.adapter"),))
BARE = Contestant("bare loop", ((sys.executable, "-m", "tests.bench.bare"),))
SOCKETS = Contestant("only sockets", ((sys.executable, "-m", "tests.bench.sockets"),))


def lambda_web_adapter() -> Contestant | None:
    """uvicorn behind Lambda Web Adapter, as documented for
    streaming; None if it is not installed.
    """
    binary = shutil.which("lambda-adapter")
    if binary is None:
        return None
    port = str(free_port())
    uvicorn = (sys.executable, "-m", "uvicorn", "--port", port, "tests.bench.tutorial:app")
    variables = {"AWS_LWA_PORT": port, "AWS_LWA_INVOKE_MODE": "response_stream"}
    return Contestant(LWA, ((binary,), uvicorn), variables)


class Running:
    """A contestant's processes."""

    def __init__(self, api: RuntimeApi, processes: list[Process], began: int) -> None:
        self.api = api
        self._began = began
        self._pids = [process.pid for process in processes]

    def since_exec(self, moment: int) -> float:
        """Returns ms from the start of the first process to that time of the
        emulator.
        """
        return (moment - self._began) / 1e6

    def cpu(self) -> float:
        """Returns their seconds of CPU time so far
        (clock_getcpuclockid(3) has the clock's number).
        """
        return sum(time.clock_gettime((~pid << 3) | 2) for pid in self._pids)

    def memory(self) -> int:
        """Resident bytes."""
        pages = (Path(f"/proc/{pid}/statm").read_text().split()[1] for pid in self._pids)
        return sum(map(int, pages)) * os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Track:
    """The environment of contestants: the model, and a directory."""

    base_url: str
    directory: Path

    @asynccontextmanager
    async def run(
        self, contestant: Contestant, emulator: RuntimeApi | None = None, **variables: str
    ) -> AsyncIterator[Running]:
        """Runs the contestant in a block, which begins at its first poll.

        Shows its output if it fails.

        Events that are queued already wait for that poll.
        """
        log = self.directory / f"{contestant.name}.log"
        async with emulator or RuntimeApi() as api, AsyncExitStack() as stack:
            environment = {**self._environment(api), **contestant.variables, **variables}
            output = stack.enter_context(log.open("wb"))
            began = time.perf_counter_ns()
            try:
                processes = [
                    await stack.enter_async_context(process(command, self.directory, environment, output))
                    for command in contestant.commands
                ]
                async with asyncio.timeout(PATIENCE):
                    await api.first_poll
                yield Running(api, processes, began)
            except BaseException:
                print(contestant.name, log.read_text(errors="replace")[-4000:], sep="\n", file=sys.stderr)
                raise

    def _environment(self, api: RuntimeApi) -> dict[str, str]:
        return {
            **LAMBDA,
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PYTHONPYCACHEPREFIX": str(self.directory / "bytecode"),
            "DATA_DIR": str(self.directory),
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "OPENAI_API_KEY": "sk-bench",
            "OPENAI_BASE_URL": self.base_url,
        }


@asynccontextmanager
async def process(
    command: Sequence[str], directory: Path, environment: Mapping[str, str], output: IO[bytes]
) -> AsyncIterator[Process]:
    """Runs the process on the contestants' core in a block."""
    with on_core(CORES[-1]):
        started = await asyncio.create_subprocess_exec(
            *command, cwd=directory, env=environment, stdout=output, stderr=output
        )
    try:
        yield started
    finally:
        started.kill()
        await started.wait()


@contextmanager
def track(base_url: str) -> Iterator[Track]:
    with TemporaryDirectory() as directory:
        yield Track(base_url, Path(directory))


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Lets processes that are started in the block run on this core."""
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)
