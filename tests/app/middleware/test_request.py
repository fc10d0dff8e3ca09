"""Request id, log line and headers."""

import json
import logging
from typing import Any

import httpx2
import pytest
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from starlette.types import Message, Receive, Scope, Send

from app.logs import TextFormatter
from app.middleware.error import ErrorMiddleware
from app.middleware.request import RequestMiddleware
from infra.standin.language import script


def http_scope(**more: Any) -> Scope:
    return {"type": "http", "method": "GET", "path": "/x", "query_string": b"message=secret", "headers": [], **more}


async def run(middleware: RequestMiddleware, scope: Scope) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await middleware(scope, receive, send)
    return sent


async def no_content(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


async def sends_text(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"a", "more_body": True})
    await send({"type": "http.response.body", "body": b"b"})


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive, send
    raise RuntimeError("secret")


async def broken_later(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise RuntimeError("secret")


async def test_request_id_of_host_is_used(caplog: pytest.LogCaptureFixture) -> None:
    invocation = {"request_id": "r-1", "trace_id": "Root=1-2", "deadline": None}
    with caplog.at_level(logging.INFO, "rivulet"):
        start, _ = await run(RequestMiddleware(no_content), http_scope(extensions={"rivulet.invocation": invocation}))
    assert (b"x-request-id", b"r-1") in start["headers"]
    (record,) = [record for record in caplog.records if vars(record).get("path") == "/x"]  # not another app's line
    assert vars(record).items() >= {"method": "GET", "path": "/x", "status": 204}.items()


async def test_query_string_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "rivulet"):
        await run(RequestMiddleware(no_content), http_scope())
    assert "secret" not in str([vars(record) for record in caplog.records])


@pytest.mark.parametrize("log_format", ["text", "json"])
async def test_long_path_and_method_are_cut_in_log(log_format: str, caplog: pytest.LogCaptureFixture) -> None:
    scope = http_scope(path="/" + "a" * 60_000, method="X" * 60_000)
    with caplog.at_level(logging.INFO, "rivulet"):
        await run(RequestMiddleware(no_content), scope)
    (record,) = [record for record in caplog.records if "path" in vars(record)]
    assert len(vars(record)["path"]) == 200
    formatter = TextFormatter() if log_format == "text" else LambdaPowertoolsFormatter()
    assert len(formatter.format(record)) < 1000


async def test_a_response_to_head_has_no_body() -> None:
    start, *bodies = await run(RequestMiddleware(sends_text), http_scope(method="HEAD"))
    assert start["status"] == 200
    assert [message["body"] for message in bodies] == [b"", b""]
    _, error = await run(RequestMiddleware(ErrorMiddleware(broken)), http_scope(method="HEAD"))
    assert error["body"] == b""


async def test_unhandled_exception_is_problem_without_text() -> None:
    start, body = await run(RequestMiddleware(ErrorMiddleware(broken)), http_scope())
    details = json.loads(body["body"])
    assert (start["status"], details["code"]) == (500, "internal_error")
    assert "secret" not in str(details)


async def test_unhandled_exception_after_start_is_raised() -> None:
    with pytest.raises(RuntimeError):
        await run(RequestMiddleware(ErrorMiddleware(broken_later)), http_scope())


async def test_every_response_has_security_headers(client: httpx2.AsyncClient) -> None:
    for path in ("/", "/api/health", "/chat-complete", "/nothing"):
        headers = (await client.get(path)).headers
        assert "default-src 'none'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


async def test_answers_are_uncached_and_files_revalidated(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/api/chat", json={"message": script({"created": True}, {"completed": {}})})
    assert answer.headers["cache-control"] == "no-store"
    page = await client.get("/")
    assert page.headers["cache-control"] == "no-cache"
    again = await client.get("/", headers={"if-none-match": page.headers["etag"]})
    assert (again.status_code, again.headers["cache-control"]) == (304, "no-cache")
