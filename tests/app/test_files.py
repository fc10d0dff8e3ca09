"""The file server: its files, their names, and revalidation."""

import os
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from starlette.applications import Starlette

from app.files import WEB, Files, etag_of

PAGE = b"<!doctype html>"
JUNK = [
    "._page.js",
    ".DS_Store",
    ".hidden.js",
    ".page.js.swp",
    ".#page.js",
    "#page.js#",
    "page.js~",
    "page.js.bak",
    "page.js.orig",
    "page.js.swp",
    "page copy.js",
    "Thumbs.db",
    "desktop.ini",
    "notes.md",
    "page.py",
    "README",
]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_bytes(PAGE)
    (tmp_path / "page.js").write_text("let a = 1\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "page.js").write_text("")
    return tmp_path


async def ask(
    directory: Path, path: str, method: str = "GET", headers: dict[str, str] | None = None
) -> httpx2.Response:
    """Returns the response to exactly this path; an exception becomes its status."""
    app = Starlette()
    app.router.default = Files(directory)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app)) as client:
        url = httpx2.URL("http://app/").copy_with(raw_path=path.encode())  # a joined URL would be normalised
        return await client.request(method, url, headers=headers)


@pytest.mark.parametrize("path", ["/", "/index.html"])
async def test_document_is_served_at_root_as_well(directory: Path, path: str) -> None:
    response = await ask(directory, path)
    assert (response.status_code, response.content) == (200, PAGE)
    assert response.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("name", JUNK)
async def test_what_does_not_belong_there_is_not_served(directory: Path, name: str) -> None:
    (directory / name).write_text("secret")
    assert (await ask(directory, "/" + quote(name))).status_code == 404


async def test_a_link_is_not_followed(directory: Path) -> None:
    (directory / "link.js").symlink_to(Path(__file__))
    assert (await ask(directory, "/link.js")).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/page.js/",
        "//page.js",
        "/%2e/page.js",
        "/index.html/%2e%2e/page.js",
        "/%2e%2e/page.js",
        "/deep/%2e%2e/page.js",
        "/deep/page.js",
        "/deep%2fpage.js",
        "/deep",
        "/%2fpage.js",
        "/%5cpage.js",
        "/PAGE.JS",
        "/Page.js",
        "/page.js%00",
        "/page.js%20",
        "/page.js.",
        "/page.js::$DATA",
        "/page",
        "/index",
    ],
)
async def test_a_file_has_no_other_name(directory: Path, path: str) -> None:
    assert (await ask(directory, path)).status_code == 404


async def test_a_file_deleted_since_is_not_found(directory: Path) -> None:
    app = Starlette()
    app.router.default = Files(directory)
    (directory / "page.js").unlink()
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://app") as client:
        assert (await client.get("/page.js")).status_code == 404


async def test_the_validator_follows_the_content_alone(directory: Path) -> None:
    file = directory / "page.js"
    dates = 315532800, 315532800  # the date of each file in a deployment package
    os.utime(file, dates)
    first = await ask(directory, "/page.js")
    file.write_text("let a = 2\n")
    os.utime(file, dates)
    second = await ask(directory, "/page.js")
    file.write_text("let a = 1\n")
    third = await ask(directory, "/page.js")
    assert first.headers["etag"] == third.headers["etag"] != second.headers["etag"]
    assert not first.headers["etag"].startswith("W/")
    assert "last-modified" not in first.headers


ETAG = etag_of(b"let a = 1\n")
CURRENT = [ETAG, f"W/{ETAG}", "*", " * ", f'"x", {ETAG}', f'W/"a,b" ,W/{ETAG},', f'{ETAG}, "x"']
STALE = ["", '"x"', ETAG.strip('"'), f'"x{ETAG[1:]}', f'"a{ETAG}', "**", '"*"']


@pytest.mark.parametrize("condition", CURRENT)
async def test_a_current_copy_is_not_sent_again(directory: Path, condition: str) -> None:
    response = await ask(directory, "/page.js", headers={"if-none-match": condition})
    assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", ETAG)
    assert "content-type" not in response.headers


@pytest.mark.parametrize("condition", STALE)
async def test_a_stale_copy_is_replaced(directory: Path, condition: str) -> None:
    response = await ask(directory, "/page.js", headers={"if-none-match": condition})
    assert (response.status_code, response.text) == (200, "let a = 1\n")


@pytest.mark.parametrize(
    "headers",
    [
        {"if-modified-since": "Fri, 01 Jan 2100 00:00:00 GMT"},
        {"range": "bytes=0-1"},
        {"range": "bytes=" + "9" * 5000 + "-"},
        {"range": "bytes=5-1,x"},
        {"range": "bytes=900-"},
        {"range": "bytes=0-1", "if-range": ETAG},
    ],
)
async def test_dates_and_ranges_are_ignored(directory: Path, headers: dict[str, str]) -> None:
    response = await ask(directory, "/page.js", headers=headers)
    assert (response.status_code, response.text) == (200, "let a = 1\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS"])
async def test_a_file_takes_no_other_method(directory: Path, method: str) -> None:
    response = await ask(directory, "/page.js", method)
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")


def test_every_file_of_the_page_is_served() -> None:
    files = Files(WEB)
    names = [path.name for path in WEB.iterdir() if not path.name.startswith(".")]
    scopes = [{"type": "http", "path": f"/{name}"} for name in names]
    assert len(names) > 1
    assert [scope["path"] for scope in scopes if files.find(scope) is None] == []
