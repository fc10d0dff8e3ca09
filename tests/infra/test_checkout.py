"""Unusual checkouts: of Windows, with lost modes, with
files of editors and file systems.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.paths import ROOT

BUILD = ("make", "--silent", "build-ChatFunction")

LEFT_BEHIND = [
    *(
        "._chat.js",
        ".DS_Store",
        ".chat.js.swp",
        ".chat.js.un~",
        ".#chat.js",
        "#chat.js#",
        "chat.js~",
        ".hidden",
        ".env",
    ),
    *("chat.js.orig", "chat.js.rej", "chat.js.bak", "chat.js.swp", "chat.js.save", "chat.js.part", "chat.js.tmp"),
    *("chat - Copy.js", "chat (1).js", "chat copy.js", "chat.js.crdownload", "chat.js_", "4913", "Icon\r"),
    *("Thumbs.db", "desktop.ini", "main.py~", "main.pyc", "main.py.orig", ".main.py.kate-swp", "main.py___jb_tmp___"),
    *(
        ".idea/a.py",
        ".vscode/a.js",
        ".git/a.py",
        "__MACOSX/a.js",
        "node_modules/a.js",
        "copy 2/a.js",
        "x.egg-info/a.py",
    ),
]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no checkout")
@pytest.mark.parametrize("options", [("core.autocrlf=true",), ("core.eol=crlf", "core.autocrlf=false")])
def test_checkout_of_windows_has_unix_line_ends(tmp_path: Path, options: tuple[str, ...]) -> None:
    configuration = [word for option in options for word in ("-c", option)]
    subprocess.run(["git", "clone", "--quiet", *configuration, ROOT, tmp_path / "clone"], check=True)
    ends = subprocess.run(
        ["git", "ls-files", "--eol"], cwd=tmp_path / "clone", stdout=subprocess.PIPE, text=True, check=True
    )
    assert [line for line in ends.stdout.splitlines() if "w/crlf" in line or "w/mixed" in line] == []


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what a build needs.

    Its pip installs nothing: only the project's files are tested.
    """
    project = tmp_path / "project"
    for name in ("app", "handler", "infra"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "Makefile", project)
    pip = project / ".venv/bin/python"
    pip.parent.mkdir(parents=True)
    pip.write_text("#!/bin/sh\n")
    pip.chmod(0o755)
    (project / ".venv/.local").touch()
    return project


def build(project: Path, name: str = "artifact") -> Path:
    artifact = project.parent / name
    artifact.mkdir()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(
        [*BUILD, f"ARTIFACTS_DIR={artifact}", f"PYTHON_VERSION={version}"],
        cwd=project,
        env=os.environ | {"PATH": path},
        check=True,
    )
    return artifact


def files(directory: Path) -> set[str]:
    """Returns the files without bytecode."""
    found = (path for path in directory.rglob("*") if not path.is_dir() and path.parent.name != "__pycache__")
    return {str(path.relative_to(directory)) for path in found}


def test_build_works_if_all_modes_are_lost(project: Path) -> None:
    for name in ("app", "handler", "infra"):
        for path in (project / name).rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
    assert (build(project) / "handler/bootstrap").stat().st_mode & 0o777 == 0o755


def test_artifact_has_no_more_modes_than_it_needs(project: Path) -> None:
    for path in (project / "app").rglob("*.js"):
        path.chmod(0o777)
    artifact = build(project)
    modes = {path.stat().st_mode & 0o777 for path in artifact.rglob("*") if path.is_file()}
    assert modes == {0o644, 0o755}
    assert [p.name for p in artifact.rglob("*") if p.is_file() and p.stat().st_mode & 0o111] == ["bootstrap"]


def test_artifact_has_nothing_that_was_left_behind(project: Path) -> None:
    ours = files(build(project, "before"))
    for directory in ("app", "app/web", "app/routes", "handler"):
        for name in LEFT_BEHIND:
            path = project / directory / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"x")
        (project / directory / ".#lock.js").symlink_to("me@host.123")
    artifact = build(project)
    assert files(artifact) == ours
    assert {path.name for path in artifact.iterdir()} == {"app", "handler"}
