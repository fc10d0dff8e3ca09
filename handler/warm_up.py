"""Warm-up pings: invocations that only keep a process warm. No I/O.

A ping is the event of a schedule, an empty event, or an event that only names itself a
warmer: at least one of its names does, none of them is false, and all other members are
parameters of warming. Any other event expects work to be done; answering it would
report false success. The answer is one small JSON object. Nothing is invoked, whatever
concurrency the event has. After the answer an app may build what it has deferred
(`WARM_UP`).

Sources: Amazon EventBridge User Guide, "Scheduled events"; EventBridge Scheduler User
Guide, "Context attributes"; the events of serverless-plugin-warmup and lambda-warmer.
"""

import re

ANSWER = b'{"statusCode": 200, "status": "ok"}'

# The key in the lifespan's state under which an app may store an async function,
# without arguments, that prepares the app.
WARM_UP = "warm_up"
SCHEDULES = ("aws.events", "aws.scheduler")  # the `source` of a scheduled event

_WARM = r"(?:(?:keep|pre)?warm(?:up|er|ing)?|keepalive|ping)"
_BESIDE = r"(?:is|the|aws|lambda|function|serverless|plugin|event|request|scheduled|only|s)"
# the name of a warmer, in letters only: isWarmup, keep-warm, serverless-plugin-warmup
_NAME = re.compile(rf"{_BESIDE}*{_WARM}{_BESIDE}*")

_ABOUT = (
    r"(?:max|min|concurren(?:cy|t)|instances?|invocations?|calls?|count|number|total|index|delay|wait|sleep|duration|timeout|interval|"
    r"seconds?|sec|millis|ms|time(?:stamp)?|date|id|uuid|correlation|trace|source|type|version|stage|region|account|"
    r"name|target|test|debug|log|level|resources|detail)"
)
# a parameter of a warmer, in letters only: concurrency, __WARMER_INVOCATION__
_PARAMETER = re.compile(rf"(?:{_ABOUT}|{_BESIDE}|{_WARM})+")
# members whose value may name the warmer
_CARRIERS = ("type", "source", "action", "kind", "name", "event", "eventtype", "detailtype")

_MAX_NAME = 64
_CONSENTS = ("true", "yes", "on", "1")


def is_ping(document: object) -> bool:
    """Whether a JSON document, which is not an HTTP event, is a ping."""
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
    """A false name (`"warmup": false`) or a nested value is not a parameter."""
    if _NAME.fullmatch(name) or not _PARAMETER.fullmatch(name):
        return False
    return value in ({}, []) or not isinstance(value, dict | list)


def _names_warmer(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(_letters(value)) is not None


def _letters(text: str) -> str:
    """Returns a name in lower case without separators; empty if it is too long."""
    return re.sub(r"[^a-z0-9]", "", text.lower()) if len(text) <= _MAX_NAME else ""
