"""The smoke test of a deployed URL, against right and wrong servers."""

import re
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from app.main import create_app
from infra.smoke import SmokeError, smoke
from infra.standin.server import StandIn
from tests.conftest import MakeSettings
from tests.fakes.server import serving

END = 'event: end\ndata: {"status": "%s"}\n\n'


@pytest.fixture
def app(make_settings: MakeSettings) -> Iterator[ASGIApp]:
    """The app, with a slow model."""
    with StandIn(first_token=0.1, tokens_per_second=1000) as standin:
        yield create_app(make_settings(openai_base_url=standin.base_url))


def deployment(*, health: str = '{"status":"ok"}', page: str = "<title>Rivulet</title>", stream: Response) -> ASGIApp:
    return Starlette(
        routes=[
            Route("/api/health", lambda _: PlainTextResponse(health)),
            Route("/", lambda _: PlainTextResponse(page)),
            Route("/api/chat/stream", lambda _: stream, methods=["POST"]),
        ]
    )


def test_app_passes(app: ASGIApp, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(app) as url:
        smoke(url)
    assert re.fullmatch(
        r"health: ok\npage: \d+ characters\nstream: \d+ pieces, from .* s to .* s\n", capsys.readouterr().out
    )


def test_app_passes_below_stage(app: ASGIApp) -> None:
    with serving(Starlette(routes=[Mount("/live", app)])) as url:
        smoke(f"{url}/live/")


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        (deployment(stream=PlainTextResponse(END % "completed")), "arrived at once"),
        (deployment(stream=PlainTextResponse(END % "failed")), "ended as {'status': 'failed'}"),
        (deployment(stream=PlainTextResponse("event: text\ndata: {}\n\n")), "cut off"),
        (deployment(stream=PlainTextResponse("", status_code=503)), "status 503"),
        (deployment(page="It works!", stream=Response()), "not the page"),
        (deployment(health='{"status":"ill"}', stream=Response()), "ill"),
    ],
    ids=["buffered", "failed", "cut", "refused", "another page", "ill"],
)
def test_failure_is_named(wrong: ASGIApp, complaint: str) -> None:
    with serving(wrong) as url, pytest.raises(SmokeError, match=complaint):
        smoke(url)
