"""Every failure leaves its cause in the log, once and without content."""

import logging

import httpx2
import pytest

from app.problems import Problem, UpstreamCut
from app.secrets import Secrets
from app.upstream.causes import cause_of
from app.upstream.client import Item, Prompt, Upstream
from infra.standin.language import script
from infra.standin.server import StandIn
from tests.conftest import MakeSettings

pytestmark = pytest.mark.anyio
CREATED: dict[str, object] = {"created": True}
HTML = {"content-type": "text/html"}


@pytest.mark.parametrize(
    ("steps", "fields"),
    [
        (
            [{"status": 400, "body": {"error": {"code": "Odd_Code", "message": "secret"}}}],
            {"upstream_status": 400, "upstream_code": "odd_code", "upstream_content_type": "application/json"},
        ),
        (
            [{"status": 400, "body": {"error": {"code": "odd\nsecret", "message": "secret"}}}],
            {"upstream_status": 400},
        ),
        ([{"status": 200, "headers": HTML, "body": "<p>secret"}], {"upstream_content_type": "text/html"}),
        (
            [{"event": {"type": "error", "code": 402, "message": "secret"}}],
            {"upstream_status": 200, "upstream_event": "error", "upstream_code": "402"},
        ),
        (
            [CREATED, {"event": {"type": "response.failed", "response": {"error": {"code": "server_error"}}}}],
            {"upstream_event": "response.failed", "upstream_code": "server_error"},
        ),
        ([CREATED, {"text": "secret"}], {"upstream_event": "response.output_text.delta"}),
        ([CREATED, {"cut": True}], {"upstream_event": "response.created", "error": "RemoteProtocolError"}),
        ([CREATED, {"raw": "event: response.secret\ndata: {secret\n\n"}], {"upstream_event": "response.created"}),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/api/chat", "/api/chat/stream"])
async def test_a_failure_is_logged_once(
    client: httpx2.AsyncClient,
    caplog: pytest.LogCaptureFixture,
    steps: list[dict[str, object]],
    fields: dict[str, object],
    path: str,
) -> None:
    with caplog.at_level(logging.INFO):
        await client.post(path, json={"message": script(*steps)})
    (record,) = (record for record in caplog.records if record.levelno > logging.INFO)
    said = vars(record)
    assert {name: said.get(name) for name in fields} == fields
    assert "secret" not in str(said)


async def test_a_retried_failure_is_logged_too(
    make_settings: MakeSettings, standin: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    del standin
    settings = make_settings(openai_max_retries=1)
    upstream = Upstream(settings, Secrets(settings), sleep=at_once)
    with pytest.raises(Problem):
        await upstream.open(Prompt((Item("user", script({"status": 429})),), "m", None, 100))
    await upstream.close()
    assert [vars(r)["upstream_status"] for r in caplog.records if r.name == "rivulet.upstream"] == [429]


def test_the_exceptions_behind_a_failure_are_named() -> None:
    try:
        try:
            raise ExceptionGroup("", [ConnectionRefusedError("secret")])
        except ExceptionGroup as group:
            raise OSError("secret") from group
    except OSError as error:
        problem = UpstreamCut()
        problem.__cause__ = error
    assert cause_of(problem) == {"error": "OSError < ConnectionRefusedError"}


async def at_once(seconds: float) -> None:
    del seconds
