"""Warm-up pings: invocations that are no HTTP requests and want nothing but a process that is up. No I/O.

A ping is the event of a schedule, an empty one, or one that only names itself a warmer:
at least one name in it says so, none of them is denied, and everything else is a parameter
of warming. Whatever else is no HTTP request asks for work, and must not be answered as if
that were done. The answer is one small JSON object; nothing is invoked, whatever
concurrency the event asks for. After the answer an app may build what it has put off
(`WARM_UP`).

Sources: Amazon EventBridge User Guide, "Scheduled events"; EventBridge Scheduler User
Guide, "Context attributes"; the events of serverless-plugin-warmup and lambda-warmer.
"""

import re

ANSWER = b'{"statusCode": 200, "status": "ok"}'

WARM_UP = "warm_up"
"""Where in its lifespan's state an app may leave an async function, without arguments, that gets it ready."""

SCHEDULES = ("aws.events", "aws.scheduler")
"""The `source` of an event that is sent on a schedule."""

_WARM = r"(?:(?:keep|pre)?warm(?:up|er|ing)?|keepalive|ping)"
_BESIDE = r"(?:is|the|aws|lambda|function|serverless|plugin|event|request|scheduled|only|s)"
_NAME = re.compile(rf"{_BESIDE}*{_WARM}{_BESIDE}*")
"""What names a warmer, in letters alone: isWarmup, keep-warm, serverless-plugin-warmup."""

_ABOUT = (
    r"(?:max|min|concurren(?:cy|t)|instances?|invocations?|calls?|count|number|total|index|delay|wait|sleep|duration|timeout|interval|"
    r"seconds?|sec|millis|ms|time(?:stamp)?|date|id|uuid|correlation|trace|source|type|version|stage|region|account|"
    r"name|target|test|debug|log|level|resources|detail)"
)
_PARAMETER = re.compile(rf"(?:{_ABOUT}|{_BESIDE}|{_WARM})+")
"""What a warmer says beside its name, in letters alone: concurrency, __WARMER_INVOCATION__."""

_CARRIERS = ("type", "source", "action", "kind", "name", "event", "eventtype", "detailtype")
"""Members whose value may name the warmer."""

_MAX_NAME = 64
_CONSENTS = ("true", "yes", "on", "1")


def is_ping(document: object) -> bool:
    """Whether a JSON document, which is no HTTP event, is a ping."""
    if isinstance(document, str):
        return _names_warmer(document)
    if not isinstance(document, dict):
        return False
    if document.get("source") in SCHEDULES:
        return document.get("detail-type") in (None, "Scheduled Event")
    names = [name for name, value in document.items() if _is_name(_letters(name), value)]
    rest = {name: value for name, value in document.items() if name not in names}
    return bool(names or not document) and all(_is_parameter(_letters(name), value) for name, value in rest.items())


def _is_name(name: str, value: object) -> bool:
    if _NAME.fullmatch(name):
        return value is True or str(value).lower() in _CONSENTS or _names_warmer(value)
    return name in _CARRIERS and _names_warmer(value)


def _is_parameter(name: str, value: object) -> bool:
    """A denied name, `"warmup": false`, is none; neither is anything that holds more than one value."""
    if _NAME.fullmatch(name) or not _PARAMETER.fullmatch(name):
        return False
    return value in ({}, []) or not isinstance(value, dict | list)


def _names_warmer(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(_letters(value)) is not None


def _letters(text: str) -> str:
    """A name without its case and its separators; empty if it is too long to be one."""
    return re.sub(r"[^a-z0-9]", "", text.lower()) if len(text) <= _MAX_NAME else ""
