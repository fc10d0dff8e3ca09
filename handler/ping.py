"""Warm-up pings: invocations that are no HTTP requests and want nothing but a process that is up. No I/O.

A schedule of EventBridge, or a direct invocation with `{}` or with a mark that says what it is for. Their answer is
the same small JSON object, and no request is made of them; behind the answer an app that puts off its own building may
do it (`WARM_UP`). Whatever else is no HTTP request wanted something to be done, and an answer would be a lie to it.

Source: Amazon EventBridge User Guide, "Scheduled events"; EventBridge Scheduler User Guide, "Context attributes".
"""

import json
from collections.abc import Mapping
from typing import Any

ANSWER = b'{"statusCode": 200, "status": "ok"}'

WARM_UP = "warm_up"
"""Where in its lifespan's state an app may leave an async function, without arguments, that gets it ready."""

SOURCES = ("aws.events", "aws.scheduler", "serverless-plugin-warmup")
"""Those that invoke on a schedule, by the event's `source`."""

MARKS = ("warmup", "warmer", "ping")
"""Keys that alone in an event, and true, make it a ping."""


def answer_to(event: bytes) -> bytes | None:
    """The answer to a ping, or None to anything else."""
    try:
        found = json.loads(event)
    except (ValueError, RecursionError):
        return None
    return ANSWER if isinstance(found, dict) and _is_ping(found) else None


def _is_ping(event: Mapping[str, Any]) -> bool:
    if event.get("source") in SOURCES:
        return True
    return all(name in MARKS and value is True for name, value in event.items())
