"""`python -m tests.bench`: Rivulet, its adapter, uvicorn behind Lambda Web Adapter, and
a bare loop, side by side.

Each streams the tutorial's answer from the same model to the same Runtime API: Rivulet
with its own application, all others with the tutorial's. Model, Runtime API and AWS
account run in this process, on its own core if there are two; the processes of a
contestant share another.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator

from tests.bench import measures
from tests.bench.account import account
from tests.bench.contestants import ADAPTER, BARE, CORES, LWA, RIVULET, SOCKETS, Contestant, lambda_web_adapter, track
from tests.bench.model import Model
from tests.bench.table import Limit, Line, show

JUDGED = (RIVULET, ADAPTER)
FLOOR = BARE.name
NOTES = """
Medians of several rounds; many streams and memory are measured once. Rivulet stores every turn (here in SQLite), and
writes a log line and metrics; the others do none of that.
As deployed: the key is in the Parameter Store and turns are in DynamoDB, both of moto. LWA and the tutorial read no
Parameter Store and store nothing: their figure is the one above, for comparison.
First answer: to a question that waits already when the process is started. What is imported and opened only after the
first poll is put off and not saved, and this shows it.
LWA's client leaves Nagle's algorithm on: a small write waits until the one before is acknowledged, for which Linux may
take 40 ms. Acknowledged at once: by a Runtime API that does not wait.
Only sockets: the bare loop without OpenAI's client, which shows what it takes to be woken up for a token at all. The
p99 less that of only sockets is the difference of two p99s, and no p99 of differences.
"""
MISSING = """
There is no lambda-adapter on PATH, and so nothing in its column. It is the file /opt/extensions/lambda-adapter of LWA's
layer; `cargo install lambda_web_adapter` builds it.
"""


async def lines() -> AsyncIterator[Line]:
    adapter = lambda_web_adapter()
    contestants = [RIVULET, ADAPTER, *([adapter] if adapter else []), BARE]
    async with Model() as model:
        with track(model.base_url) as run:
            with account() as variables:
                deployed = RIVULET.given("as deployed", variables)
                polled, answered = await measures.starts(run, [*contestants, deployed])
            yield Line("exec to first poll, ms", polled, [Limit(0.4, LWA)])
            yield Line("  as deployed, with key and table in AWS, ms", beside_lwa(polled, deployed), [Limit(0.4, LWA)])
            yield Line("exec to the first byte of a first answer, ms", answered)
            yield Line("  as deployed, with key and table in AWS, ms", beside_lwa(answered, deployed))
            for text, quick in (("", False), (", acknowledged at once", True)):
                p50, p99 = await measures.warm(run, contestants, quick=quick)
                yield Line(f"event to first byte{text}, p50, ms", p50, [Limit(0.5, LWA), Limit(1.5, FLOOR)])
                yield Line(f"event to first byte{text}, p99, ms", p99, [Limit(0.5, LWA)])
            late, paced, burst = await measures.streaming(run, [*contestants, SOCKETS])
            yield Line("delay of a token, p99, ms", late, [Limit(2)])
            less = {name: delay - late[SOCKETS.name] for name, delay in late.items() if name != SOCKETS.name}
            yield Line("  p99 less that of only sockets, ms", less, [Limit(2)])
            yield Line(f"CPU for a token, {measures.RATE}/s, us", paced, [Limit(0.3, LWA)])
            yield Line("CPU for a token, all at once, us", burst, [Limit(0.3, LWA)])
            delays = {each.name: await measures.many_streams(run, each) for each in JUDGED}
            most = {name: measures.most_streams(found) for name, found in delays.items()}
            yield Line("streams in one process, p99 below 100 ms", most, [Limit(64, least=True)], 0)
            for count in measures.STREAMS:
                found = {name: p99s[count] for name, p99s in delays.items() if count in p99s}
                yield Line(f"  delay of a token in {count}, p99, ms", found)
            few, many = await measures.memory(run, JUDGED)
            yield Line("memory after 100 requests, MB", few)
            yield Line("memory after 10,000, times that", many, [Limit(1.05)], 3)


def beside_lwa(figures: measures.Figures, deployed: Contestant) -> measures.Figures:
    """Returns Rivulet's figures as deployed, in its own
    column, with LWA's if there are any.
    """
    return {RIVULET.name: figures[deployed.name]} | {name: figures[name] for name in (LWA,) if name in figures}


async def main() -> None:
    began = time.monotonic()
    os.sched_setaffinity(0, {CORES[0]})
    found = [line async for line in lines()]
    ours = [each.name for each in JUDGED]
    print(show(found, [*ours, LWA, FLOOR, SOCKETS.name], ours))
    print(NOTES, "" if lambda_web_adapter() else MISSING, f"{time.monotonic() - began:.0f} s", sep="")


if __name__ == "__main__":
    asyncio.run(main())
