"""The cold start: the page's files at once, the application when it is needed."""

import asyncio
import gc
import logging
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message

from app.cold_start import ColdStartApp, create_cold_start_app
from app.files import WEB
from app.main import create_app
from app.settings import ConfigurationError
from handler.lifespan import Lifespan
from tests.conftest import MakeSettings

PATIENCE = 10.0
asker: ContextVar[str] = ContextVar("asker")


class AskerFilter(logging.Filter):
    """Adds the request's context to a log record, as a host's filter does."""

    def filter(self, record: logging.LogRecord) -> bool:
        vars(record)["asker"] = asker.get(None)
        return True


class Whole:
    """A small application instead of the whole one; it is
    built when `may_be_built` is set.
    """

    def __init__(self) -> None:
        self.may_be_built = threading.Event()
        self.failures: list[Exception] = []
        self.builds = 0
        self.life: list[str] = []
        self.seen: list[str | None] = []  # the request's id, as seen by the build and by the lifespan

    def build(self) -> Starlette:
        self.builds += 1
        self.seen.append(asker.get(None))
        assert self.may_be_built.wait(PATIENCE)
        if self.failures:
            raise self.failures.pop()
        return Starlette(routes=[Route("/api", self._answer, methods=["GET", "POST"])], lifespan=self._lifespan)

    async def _answer(self, _: Request) -> Response:
        return PlainTextResponse(" ".join(self.life))

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        task = asyncio.current_task()
        self.life.append("startup")
        self.seen.append(asker.get(None))
        yield
        self.life.append("shutdown" if asyncio.current_task() is task else "shutdown by another task")


@pytest.fixture
def whole() -> Whole:
    return Whole()


@pytest.fixture
async def front(whole: Whole) -> AsyncIterator[ColdStartApp]:
    """A ColdStartApp between its startup and its shutdown."""
    front = ColdStartApp(WEB, whole.build)
    lifespan = Lifespan(front)
    await lifespan.startup()
    yield front
    whole.may_be_built.set()
    await lifespan.shutdown()


@pytest.fixture(autouse=True)
def _thaw() -> Iterator[None]:
    yield
    gc.unfreeze()


def asking(app: ASGIApp) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://app", timeout=PATIENCE)


async def get(app: ASGIApp, path: str, method: str = "GET") -> httpx2.Response:
    """Returns the response when the application has returned."""
    async with asyncio.timeout(PATIENCE), asking(app) as client:
        return await client.request(method, path)


def begin(app: ASGIApp, path: str) -> "tuple[asyncio.Queue[Message], asyncio.Task[None]]":
    """A running request: the messages so far, and the task of the application."""
    sent: asyncio.Queue[Message] = asyncio.Queue()

    async def receive() -> Message:
        return await asyncio.Future[Message]()

    async def ask() -> None:
        scope = {"type": "http", "method": "GET", "path": path, "headers": [], "asgi": {"spec_version": "2.4"}}
        async with asyncio.timeout(PATIENCE):
            await app(scope, receive, sent.put)

    return sent, asyncio.create_task(ask())


async def until_sent(sent: "asyncio.Queue[Message]") -> None:
    """Waits for the end of the response."""
    async with asyncio.timeout(PATIENCE):
        while (message := await sent.get())["type"] == "http.response.start" or message.get("more_body"):
            pass


def test_import_leaves_out_fastapi_and_openai() -> None:
    late = {"fastapi", "openai", "boto3", "app.contract"}
    code = f"import sys, app.cold_start; app.cold_start.create_cold_start_app(); print({late} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"


def test_wrong_setting_is_reported_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "nonsense")
    with pytest.raises(ConfigurationError, match="LOG_LEVEL"):
        create_cold_start_app()


@pytest.fixture(scope="module")
def application(make_settings: MakeSettings) -> Starlette:
    return create_app(make_settings())


async def test_application_behind_it_is_real(make_settings: MakeSettings) -> None:
    assert (await get(create_cold_start_app(make_settings()), "/api/health")).json() == {"status": "ok"}


CASES = [
    ("GET", "/", {}),
    ("HEAD", "/", {}),
    ("GET", "/index.html", {}),
    ("GET", "/chat.js", {}),
    ("GET", "//chat.js", {}),
    ("GET", "/%2e%2e/web/chat.js", {}),
    ("GET", "/style.css", {"if-none-match": "*"}),
    ("GET", "/style.css", {"range": "bytes=0-9"}),
    ("OPTIONS", "/style.css", {}),
    ("GET", "/favicon.svg", {"if-modified-since": "Fri, 01 Jan 2100 00:00:00 GMT"}),
    ("GET", "/nothing", {}),
    ("GET", "/../main.py", {}),
    ("POST", "/", {}),
    ("POST", "/chat.js", {}),
]


@pytest.mark.parametrize(("method", "path", "headers"), CASES)
async def test_files_match_those_of_application(
    method: str, path: str, headers: dict[str, str], application: Starlette, caplog: pytest.LogCaptureFixture
) -> None:
    seen = []
    for app in (application, ColdStartApp(WEB, lambda: application)):
        caplog.clear()
        with caplog.at_level(logging.INFO, "rivulet.request"):
            async with asking(app) as client:
                response = await client.request(method, path, headers=headers)
        (line,) = (vars(record) for record in caplog.records if record.name == "rivulet.request")
        body = response.content.replace(response.headers.pop("x-request-id").encode(), b"")
        seen.append((response.status_code, response.headers, body, line["method"], line["path"], line["status"]))
    assert seen[0] == seen[1]


async def test_file_is_sent_before_build(front: ColdStartApp, whole: Whole) -> None:
    sent, call = begin(front, "/")
    await until_sent(sent)
    assert not call.done()
    whole.may_be_built.set()
    await call
    assert whole.life == ["startup"]


async def test_document_ignores_build_of_other_request(front: ColdStartApp, whole: Whole) -> None:
    sent, first = begin(front, "/")
    await until_sent(sent)
    assert (await get(front, "/")).status_code == 200
    assert not first.done()
    whole.may_be_built.set()
    await first


@pytest.mark.parametrize(
    "paths", [("/chat.js",), ("/style.css", "/"), ("/chat.js", "/index.html"), ("/favicon.svg",) * 3]
)
async def test_other_files_leave_it_unbuilt(front: ColdStartApp, whole: Whole, paths: tuple[str, ...]) -> None:
    for path in paths:
        assert (await get(front, path)).status_code == 200
    assert whole.builds == 0


async def test_files_are_served_during_build(front: ColdStartApp, whole: Whole) -> None:
    _, waiting = begin(front, "/api")
    sent, call = begin(front, "/")
    await until_sent(sent)
    assert not waiting.done()
    whole.may_be_built.set()
    await asyncio.gather(waiting, call)


async def test_other_requests_wait_for_application(front: ColdStartApp, whole: Whole) -> None:
    whole.may_be_built.set()
    assert (await get(front, "/api")).text == "startup"


async def test_application_is_built_once(front: ColdStartApp, whole: Whole) -> None:
    calls = [begin(front, path)[1] for path in ("/api", "/", "/api", "/chat.js")]
    whole.may_be_built.set()
    await asyncio.gather(*calls)
    assert (whole.builds, whole.life) == (1, ["startup"])


async def test_garbage_collector_skips_built_application(front: ColdStartApp, whole: Whole) -> None:
    whole.may_be_built.set()
    before = gc.get_freeze_count()
    await get(front, "/api")
    assert gc.get_freeze_count() > before


async def test_cancelled_request_keeps_build(front: ColdStartApp, whole: Whole) -> None:
    _, first = begin(front, "/api")
    _, second = begin(front, "/api")
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})
    whole.may_be_built.set()
    await second
    assert whole.builds == 1


async def test_build_has_no_request_context(front: ColdStartApp, whole: Whole) -> None:
    whole.may_be_built.set()
    asker.set("somebody")
    await get(front, "/api")
    assert whole.seen == [None, None]


async def test_ready_line_has_id_of_first_request(
    front: ColdStartApp, whole: Whole, caplog: pytest.LogCaptureFixture
) -> None:
    calls = []
    for name in ("first", "second"):
        asker.set(name)
        calls.append(begin(front, "/api")[1])
    await asyncio.sleep(0)
    calls[0].cancel()
    with caplog.filtering(AskerFilter()), caplog.at_level(logging.INFO, "rivulet.cold_start"):
        whole.may_be_built.set()
        await calls[1]
    (line,) = (vars(record) for record in caplog.records if record.name == "rivulet.cold_start")
    assert (line["asker"], line["msg"]) == ("first", "the application is ready")


async def test_failed_build_is_retried_by_next_request(
    front: ColdStartApp, whole: Whole, caplog: pytest.LogCaptureFixture
) -> None:
    whole.may_be_built.set()
    whole.failures = [ImportError("no such module")]
    with caplog.at_level(logging.INFO, "rivulet.request"):
        response = await get(front, "/api")
    details = response.json()
    assert (response.status_code, details["code"]) == (500, "internal_error")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-request-id"] == details["request_id"]
    failure, line = (record for record in caplog.records if record.name == "rivulet.request")
    assert failure.exc_info
    assert failure.exc_info[0] is ImportError
    assert vars(line).items() >= {"method": "GET", "path": "/api", "status": 500}.items()
    assert (await get(front, "/api")).text == "startup"


async def test_failed_build_behind_file_is_raised(front: ColdStartApp, whole: Whole) -> None:
    whole.may_be_built.set()
    whole.failures = [ImportError("no such module")]
    sent, call = begin(front, "/")
    await until_sent(sent)
    with pytest.raises(ImportError):
        await call
    assert (await get(front, "/api")).text == "startup"


async def test_starting_task_shuts_application_down(whole: Whole) -> None:
    whole.may_be_built.set()
    front = ColdStartApp(WEB, whole.build)
    lifespan = Lifespan(front)
    await lifespan.startup()
    await get(front, "/api")
    await get(front, "/api")
    await lifespan.shutdown()
    assert whole.life == ["startup", "shutdown"]


async def test_unneeded_application_is_never_built(whole: Whole) -> None:
    lifespan = Lifespan(ColdStartApp(WEB, whole.build))
    await lifespan.startup()
    await lifespan.shutdown()
    assert whole.builds == 0
