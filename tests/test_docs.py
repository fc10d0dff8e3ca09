"""The documents in docs/ match the code."""

import re
from pathlib import Path

from app.main import create_app
from tests.conftest import MakeSettings

ROOT = Path(__file__).parent.parent
DOCS = sorted((ROOT / "docs").rglob("*.md"))


def test_api_lists_exactly_the_operations(make_settings: MakeSettings) -> None:
    paths = create_app(make_settings()).openapi()["paths"]
    operations = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    documented = re.findall(r"^### ([A-Z]+ /\S*)$", (ROOT / "docs/api.md").read_text(), re.MULTILINE)
    assert sorted(documented) == sorted(operations)


def test_every_link_resolves() -> None:
    links = [
        (path, link)
        for path in [*DOCS, ROOT / "CONTRIBUTING.md"]
        for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", path.read_text())
    ]
    assert len(links) > 10
    assert [link for path, link in links if not (path.parent / link).exists()] == []


def test_every_path_of_contributing_exists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    paths = {path for path in re.findall(r"`((?:app|handler|infra|tests|docs)/[\w./-]*)`", text) if "NAME" not in path}
    assert len(paths) > 10
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []
