"""A browser, the app with the stand-in, and pages.

The console of each page must stay empty.
"""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from app.main import create_app
from infra.standin.server import StandIn
from tests.conftest import MakeSettings
from tests.fakes.server import serving
from tests.web.chat_page import ChatPage
from tests.web.modules import Modules

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",  # required for root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LONG_NAME = "a-model-of-a-compatible-server-2026-11-22"
OpenPage = Callable[..., ChatPage]


# Not for the session: Playwright's event loop occupies this thread, so no async test
# could run.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.fail(f"no Chromium on PATH (as {', '.join(NAMES)}): get it by `apt-get install chromium`")
    expect.set_options(timeout=15_000)  # milliseconds, for a busy machine
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def site(make_settings: MakeSettings) -> Iterator[str]:
    """The address of a page with one model and a key."""
    with serving(create_app(make_settings(max_message_chars=10_000))) as url:
        yield f"{url}/"


@pytest.fixture(scope="package")
def demo_site(make_settings: MakeSettings) -> Iterator[str]:
    """The address of a page with two models and demo answers."""
    with serving(create_app(make_settings(demo=True, openai_models=(LONG_NAME,)))) as url:
        yield f"{url}/"


@pytest.fixture
def open_page(chromium: Browser, standin: StandIn) -> Iterator[OpenPage]:
    """Opens an address in a new profile, with Playwright's options for a context."""
    del standin  # the fixture resets it
    pages = []

    def open_page(url: str, **options: Any) -> ChatPage:
        chat = ChatPage(chromium.new_context(**options).new_page())
        pages.append(chat)
        chat.open(url)
        return chat

    yield open_page
    for chat in pages:
        chat.page.context.close()
    assert [chat.noise for chat in pages] == [[] for _ in pages]


@pytest.fixture
def chat(open_page: OpenPage, site: str) -> ChatPage:
    return open_page(site)


@pytest.fixture(scope="package")
def modules(chromium: Browser, site: str) -> Iterator[Modules]:
    chat = ChatPage(chromium.new_page())
    chat.open(site)
    yield Modules(chat.page)
    chat.page.close()
