"""The logs of code in the handler."""

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from mangum.types import Receive, Scope, Send

from handler.logs import InvocationFilter, about, configure, log_settings
from handler.protocol import Invocation
from tests.fakes.invocation import Call
from tests.fakes.runtime_api import RuntimeApi
from tests.handler.apps import hello
from tests.handler.conftest import Serve
from tests.handler.events import function_url

library = logging.getLogger("a.library")


@contextmanager
def bare_root() -> Iterator[logging.Logger]:
    """The root logger without a handler, as in a new process; pytest adds its own."""
    root = logging.getLogger()
    handlers, level, root.handlers = root.handlers, root.level, []
    try:
        yield root
    finally:
        root.handlers = handlers
        root.setLevel(level)


def test_default_lines_match_format_of_aws(capsys: pytest.CaptureFixture[str]) -> None:
    with bare_root(), about(Invocation("r1")):
        configure({})
        library.warning("a\nb")
    level, time, request_id, message = capsys.readouterr().out.split("\t")
    assert (level, request_id, message) == ("[WARNING]", "r1", "a\rb\n")
    assert time.endswith("Z")


def test_line_outside_invocation_has_no_id(capsys: pytest.CaptureFixture[str]) -> None:
    with bare_root():
        configure({})
        library.warning("text")
    assert capsys.readouterr().out.split("\t")[2] == ""


def test_log_format_and_level_of_lambda_apply(capsys: pytest.CaptureFixture[str]) -> None:
    with bare_root(), about(Invocation("r1", trace_id="Root=1", tenant_id="t1")):
        configure({"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"})
        library.info("text")
        library.debug("too much")
    line = json.loads(capsys.readouterr().out)
    assert (line["level"], line["message"], line["request_id"], line["tenant_id"]) == ("INFO", "text", "r1", "t1")


def test_handler_of_app_gets_invocation_fields() -> None:
    own = logging.NullHandler()
    with bare_root() as root:
        root.addHandler(own)
        configure({})
        configure({})
        assert root.handlers == [own]
    assert [type(found) for found in own.filters] == [InvocationFilter]


@pytest.mark.parametrize(
    ("variables", "settings"),
    [
        ({}, {}),
        ({"AWS_LAMBDA_LOG_LEVEL": "WARN"}, {"LOG_LEVEL": "WARNING"}),
        ({"AWS_LAMBDA_LOG_LEVEL": "trace"}, {"LOG_LEVEL": "DEBUG"}),
        ({"AWS_LAMBDA_LOG_FORMAT": "JSON"}, {"LOG_FORMAT": "json"}),
        ({"AWS_LAMBDA_LOG_FORMAT": "Text", "LOG_FORMAT": "json"}, {}),
        ({"AWS_LAMBDA_LOG_LEVEL": "LOUD"}, {}),
    ],
)
def test_log_settings_default_to_lambdas_configuration(variables: dict[str, str], settings: dict[str, str]) -> None:
    assert log_settings(variables) == settings


async def test_library_lines_carry_their_invocation(
    api: RuntimeApi, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    all_here = asyncio.Barrier(3)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await all_here.wait()
        await asyncio.to_thread(library.warning, "%s", scope["path"])
        await hello(scope, receive, send)

    caplog.handler.addFilter(InvocationFilter())
    calls: dict[str, Call] = {path: api.invoke(function_url(path)) for path in ("/a", "/b", "/c")}
    serve(app, AWS_LAMBDA_MAX_CONCURRENCY="3")
    for call in calls.values():
        await call.end()
    told = {record.getMessage(): vars(record)["request_id"] for record in caplog.records if record.name == library.name}
    assert told == {path: call.id for path, call in calls.items()}
