"""`python -m infra.smoke URL` tests a deployed Rivulet: its
health, its page, one streamed answer.

The answer costs a few cents at most. It prints a line for each check, and exits with 1
and the reason at the first failure.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable

import httpx2

PROMPT = "Count from one to forty, in words."
PATIENCE = 90.0  # seconds without a byte
STREAMED = 0.1  # seconds from the first piece to the last; a buffered answer takes a few milliseconds
EXCERPT = 300  # characters of a wrong answer that are shown


class SmokeError(Exception):
    """A check failed; the text is what the deployment did."""


def check_health(client: httpx2.Client) -> str:
    health = _get(client, "api/health")
    _expect(health == '{"status":"ok"}', f"unexpected answer: {health[:EXCERPT]}")
    return "ok"


def check_page(client: httpx2.Client) -> str:
    page = _get(client, "")
    _expect("<title>Rivulet</title>" in page, f"not the page: {page[:EXCERPT]}")
    return f"{len(page)} characters"


def check_stream(client: httpx2.Client) -> str:
    body, times = _stream(client)
    end = _end(body)
    _expect(end["status"] == "completed", f"the answer ended as {end}")
    first, last = times[0], times[-1]
    _expect(last - first > STREAMED, f"the whole answer arrived at once, after {last:.2f} s: it was not streamed")
    return f"{len(times)} pieces, from {first:.2f} s to {last:.2f} s"


CHECKS: dict[str, Callable[[httpx2.Client], str]] = {
    "health": check_health,
    "page": check_page,
    "stream": check_stream,
}


def _get(client: httpx2.Client, path: str) -> str:
    response = client.get(path)
    _expect(response.is_success, f"status {response.status_code}: {response.text[:EXCERPT]}")
    return response.text


def _stream(client: httpx2.Client) -> tuple[str, list[float]]:
    """Returns the body, and the arrival times of its pieces
    in seconds since the request.
    """
    pieces, times, started = [], [], time.monotonic()
    with client.stream("POST", "api/chat/stream", json={"message": PROMPT}) as response:
        for piece in response.iter_raw():
            pieces.append(piece)
            times.append(time.monotonic() - started)
    body = b"".join(pieces).decode(errors="replace")
    _expect(response.is_success, f"status {response.status_code}: {body[:EXCERPT]}")
    return body, times


def _end(body: str) -> dict[str, object]:
    """Returns the data of the `end` event, the last of every stream."""
    last = body.removesuffix("\n\n").rpartition("\n\n")[2]
    name, _, data = last.partition("event: ")[2].partition("\ndata: ")
    _expect(name == "end", f"the stream was cut off after: {body[-EXCERPT:]}")
    end: dict[str, object] = json.loads(data)
    return end


def _expect(claim: bool, otherwise: str) -> None:
    if not claim:
        raise SmokeError(otherwise)


def smoke(url: str) -> None:
    """Runs the checks.

    `url` may have a path. Raises SmokeError, and httpx2's transport errors.
    """
    with httpx2.Client(base_url=url, timeout=PATIENCE) as client:
        for name, check in CHECKS.items():
            print(f"{name}: {check(client)}", flush=True)  # noqa: T201 - a command's output


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m infra.smoke", description="Tests a deployed Rivulet.")
    parser.add_argument("url", help="of the Function URL or the REST API, as the stack's outputs have it")
    try:
        smoke(parser.parse_args().url)
    except (SmokeError, httpx2.HTTPError, httpx2.InvalidURL) as error:
        sys.exit(f"failed: {str(error) or type(error).__name__}")


if __name__ == "__main__":
    main()
