"""Behind a path prefix: the address of the page, its links,
and redirects without a host.
"""

import re
from collections.abc import AsyncIterator
from urllib.parse import urljoin

import httpx2
import pytest
from starlette.types import ASGIApp

from app.cold_start import create_cold_start_app
from app.files import WEB
from app.main import create_app
from tests.conftest import MakeSettings

EVIL = {"host": "evil.example", "x-forwarded-host": "evil.example"}
ROOTS = ["", "/live", "/live/bots"]


@pytest.fixture(params=["app", "front"])
def app(request: pytest.FixtureRequest, make_settings: MakeSettings) -> ASGIApp:
    settings = make_settings(openapi_docs=True)
    return create_app(settings) if request.param == "app" else create_cold_start_app(settings)


@pytest.fixture(params=ROOTS)
async def client(request: pytest.FixtureRequest, app: ASGIApp) -> AsyncIterator[httpx2.AsyncClient]:
    """Sends a request under a prefix: the base URL's path
    is the application's root path.
    """
    transport = httpx2.ASGITransport(app, root_path=request.param)
    async with httpx2.AsyncClient(transport=transport, base_url=f"https://chat.example{request.param}") as client:
        yield client


def root_of(client: httpx2.AsyncClient) -> str:
    return client.base_url.path.rstrip("/")


@pytest.mark.parametrize(
    "path",
    [
        "/%2e",
        "/%2e%2e",
        "/x/%2e%2e",
        "/x/..%2f",
        "//example.org/",
        "//example.org/%2e%2e",
        "/api/health/",
        "/docs/",
        "/api/conversations/",
        "/api//health",
        "/chat-complete/",
        "/chat-stream/?message=x",
        "/style.css/",
        "/%5cevil",
    ],
)
async def test_no_redirect_names_a_host(client: httpx2.AsyncClient, path: str) -> None:
    response = await client.get(path, headers=EVIL)
    assert "evil.example" not in str(response.headers) + response.text
    if "location" in response.headers:
        assert response.headers["location"] == f"{root_of(client)}/"


async def test_a_slash_too_many_is_not_found(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/api/health/")).status_code == 404


@pytest.mark.parametrize("root", ROOTS[1:])
async def test_the_prefix_alone_leads_to_the_page(app: ASGIApp, root: str) -> None:
    transport = httpx2.ASGITransport(app, root_path=root)
    async with httpx2.AsyncClient(transport=transport, base_url="https://chat.example") as client:
        response = await client.get(f"{root}?from=mail", headers=EVIL)
        assert (response.status_code, response.headers["location"]) == (307, f"{root}/?from=mail")
        page = await client.get(response.headers["location"])
    assert (page.status_code, page.text) == (200, (WEB / "index.html").read_text())


async def test_what_the_page_names_is_there(client: httpx2.AsyncClient) -> None:
    page = await client.get("/")
    names = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert names
    for name in names:
        assert (await client.get(urljoin(str(page.request.url), name))).status_code == 200, name


def test_the_page_asks_relative_addresses_only() -> None:
    scripts = "".join(path.read_text() for path in WEB.rglob("*.js"))
    asked = re.findall(r"""["`](/?api/[^"`]*)""", scripts)
    assert len(asked) >= 3
    assert [address for address in asked if address.startswith("/")] == []
