"""The figures.

Figures that compare contestants are measured for all of them in turn, in rounds, so
that other load affects all; each is the median of its rounds. Many streams, and memory,
which have their own limits, are measured once.
"""

import asyncio
import json
import statistics
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import quote

from tests.bench.contestants import Contestant, Running, Track
from tests.bench.emulator import Invocation, RuntimeApi
from tests.bench.model import message
from tests.handler.events import function_url

ROUNDS = 5
STARTS = 7
REQUESTS = 100
TOKENS = 200
RATE = 100  # tokens per second, of a fast model
BURST = 2_000  # tokens
SECONDS = 5
STREAM_RATE = 50  # tokens per second of each of many streams
SLOWEST = 100.0  # ms, p99, for a number of streams to count
STREAMS = (32, 64, 96, 128)
FEW, MANY = 100, 10_000  # requests

Figures = Mapping[str, float]  # by contestant
Round = Callable[[Running], Awaitable[Sequence[float]]]


async def starts(track: Track, contestants: Sequence[Contestant]) -> tuple[Figures, Figures]:
    """Returns ms from exec to the first poll, and to the first
    byte of the body of a queued event.

    Work that the start defers is in the second figure. A start before it makes the
    bytecode.
    """
    times: dict[str, list[Sequence[float]]] = {contestant.name: [] for contestant in contestants}
    for _ in range(1 + STARTS):
        for contestant in contestants:
            times[contestant.name].append(await start(track, contestant))
    polled, answered = columns({name: found[1:] for name, found in times.items()})
    return polled, answered


async def start(track: Track, contestant: Contestant) -> tuple[float, float]:
    api = RuntimeApi()
    first = api.queue(stream(2, 1000))
    async with track.run(contestant, api) as running:
        await first.complete()
        return running.since_exec(await api.first_poll), running.since_exec(first.first_byte)


async def warm(track: Track, contestants: Sequence[Contestant], *, quick: bool = False) -> tuple[Figures, Figures]:
    """Returns ms from an event to the first byte of the body: p50 and p99."""

    async def requests(running: Running) -> tuple[float, float]:
        invocations = [await running.api.invoke(stream(2, 1000)) for _ in range(REQUESTS)]
        times = [(invocation.first_byte - invocation.handed_out) / 1e6 for invocation in invocations]
        return statistics.median(times), p99(times)

    async with all_running(track, contestants, quick=quick) as running:
        p50, worst = await medians(running, requests)
    return p50, worst


async def streaming(track: Track, contestants: Sequence[Contestant]) -> tuple[Figures, Figures, Figures]:
    """Returns the delay of a token in ms, p99, and its CPU in us;
    and the CPU if all tokens come at once.
    """

    async def tokens(running: Running) -> tuple[float, float, float]:
        before = running.cpu()
        paced = await running.api.invoke(stream(TOKENS, RATE))
        between = running.cpu()
        await running.api.invoke(stream(BURST))
        return (
            p99(paced.delays) / 1e6,
            (between - before) / TOKENS * 1e6,
            (running.cpu() - between) / BURST * 1e6,
        )

    async with all_running(track, contestants) as running:
        delay, paced, burst = await medians(running, tokens)
    return delay, paced, burst


async def many_streams(track: Track, contestant: Contestant) -> dict[int, float]:
    """Returns the delay of a token in ms, p99, by the number of
    streams, up to one that is too many.
    """
    found: dict[int, float] = {}
    for count in STREAMS:
        async with track.run(contestant, AWS_LAMBDA_MAX_CONCURRENCY=str(count)) as running:
            await warm_up(running)
            asked = [late_stream(running, number / count) for number in range(count)]
            found[count] = p99([delay for each in await asyncio.gather(*asked) for delay in each.delays]) / 1e6
        if found[count] > SLOWEST:
            break
    return found


def most_streams(delays: Mapping[int, float]) -> int:
    """Returns the largest number of streams with a delay below the limit."""
    return max((count for count, delay in delays.items() if delay <= SLOWEST), default=0)


async def memory(track: Track, contestants: Sequence[Contestant]) -> tuple[Figures, Figures]:
    """Returns the resident MB after FEW requests, and the factor after MANY."""
    few: dict[str, float] = {}
    many: dict[str, float] = {}
    for contestant in contestants:
        async with track.run(contestant) as running:
            for _ in range(FEW):
                await running.api.invoke(stream(1))
            few[contestant.name] = running.memory() / 1e6
            for _ in range(MANY - FEW):
                await running.api.invoke(stream(1))
            many[contestant.name] = running.memory() / 1e6 / few[contestant.name]
    return few, many


def stream(tokens: int, rate: int = 0) -> bytes:
    """Returns a Function URL's event for these tokens, on the tutorial's route."""
    return json.dumps(function_url("/chat-stream", query=f"message={quote(message(tokens, rate))}")).encode()


async def late_stream(running: Running, seconds: float) -> Invocation:
    """One of many streams, which begin at different times."""
    await asyncio.sleep(seconds)
    return await running.api.invoke(stream(SECONDS * STREAM_RATE, STREAM_RATE))


def p99(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


async def warm_up(running: Running) -> None:
    for _ in range(20):
        await running.api.invoke(stream(5))


@asynccontextmanager
async def all_running(
    track: Track, contestants: Sequence[Contestant], *, quick: bool = False
) -> AsyncIterator[dict[str, Running]]:
    """Runs all of them, warm. A contestant without requests uses no CPU."""
    async with AsyncExitStack() as stack:
        running = {
            each.name: await stack.enter_async_context(track.run(each, RuntimeApi(quick=quick))) for each in contestants
        }
        for each in running.values():
            await warm_up(each)
        yield running


async def medians(running: Mapping[str, Running], measure: Round) -> list[Figures]:
    """Returns the figures of `measure` over ROUNDS, one for each of its values."""
    found: dict[str, list[Sequence[float]]] = {name: [] for name in running}
    for _ in range(ROUNDS):
        for name, each in running.items():
            found[name].append(await measure(each))
    return columns(found)


def columns(rounds: Mapping[str, Sequence[Sequence[float]]]) -> list[Figures]:
    """Returns the median of each value of the rounds, by contestant."""
    found = {name: [statistics.median(column) for column in zip(*rows, strict=True)] for name, rows in rounds.items()}
    return [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]
