"""The commands, settings, routes, files and parameters in the README exist."""

import re
from pathlib import Path

import pytest
from starlette.routing import Match

from app.main import create_app
from app.parameter_store import FIELDS
from app.settings import Settings
from tests.conftest import MakeSettings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
TEMPLATE = (ROOT / "template.yaml").read_text()
CODE = [line.strip() for line in README.splitlines() if line.startswith("    ")]


def named(pattern: str) -> set[str]:
    return set(re.findall(pattern, README))


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = {target for line in CODE for target in re.findall(r"\bmake ([a-z-]+)", line)} | named(r"`make ([a-z-]+)")
    assert {"run", "test", "check", "deploy"} <= used <= targets


def test_settings_table_matches_settings() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \| .* \|$", README, re.MULTILINE))
    assert rows.keys() == {name.upper() for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        default = field.default
        text = "" if default in (None, ()) else str(default).lower() if isinstance(default, bool) else str(default)
        assert rows[name.upper()].strip("`") == text, name


def test_every_linked_file_exists() -> None:
    paths = named(r"\]\(([^)#:]+)\)") | named(r"(infra/[a-z/-]+\.json)") | named(r"cp (\.env\.example)")
    assert len(paths) > 8
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_curl_route_exists(make_settings: MakeSettings) -> None:
    app = create_app(make_settings())
    lines = [line for line in CODE if line.startswith("curl")]
    assert len(lines) >= 6
    for line in lines:
        path = re.search(r"127\.0\.0\.1:8000([^\s?']*)", line)
        assert path, line
        scope = {
            "type": "http",
            "path": path[1],
            "method": "POST" if " -d " in line or " POST " in line else "GET",
            "root_path": "",
        }
        assert any(route.matches(scope)[0] is Match.FULL for route in app.routes), line


def test_documented_parameters_match_code() -> None:
    path = re.search(r"^  ParameterPath:\n.*\n    Default: (\S+)", TEMPLATE, re.MULTILINE)
    assert path
    assert named(r"--name (/\S+)") == {f"{path[1]}/{name}" for name in FIELDS}


@pytest.mark.parametrize("parameter", ["ReservedConcurrency", "RestApi"])
def test_named_template_parameters_exist(parameter: str) -> None:
    assert parameter in README
    assert re.search(rf"^  {parameter}:\n    Type: ", TEMPLATE, re.MULTILINE)
