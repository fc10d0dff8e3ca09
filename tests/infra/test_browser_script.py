"""infra/browser.sh on machines without a browser, with programs that record calls."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.infra.paths import ROOT

SHELL_TOOLS = ("sh", "dirname", "cat")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A directory with the few programs that the script needs."""
    directory = tmp_path / "bin"
    directory.mkdir()
    for name in SHELL_TOOLS:
        (directory / name).symlink_to(next(path for path in paths(name) if path.exists()))
    return directory


def paths(name: str) -> list[Path]:
    return [Path(directory, name) for directory in os.environ["PATH"].split(os.pathsep)]


def add(programs: Path, name: str, *lines: str) -> None:
    program = programs / name
    program.write_text("\n".join(("#!/bin/sh", *lines, "")))
    program.chmod(0o755)


def run(programs: Path) -> "subprocess.CompletedProcess[str]":
    """Runs the script. Playwright's driver works."""
    add(programs, "playwright", "exit 0")
    command = ["sh", str(ROOT / "infra/browser.sh"), str(programs / "playwright")]
    return subprocess.run(command, env={"PATH": str(programs)}, capture_output=True, text=True, check=False)


def test_user_gets_the_command(programs: Path) -> None:
    add(programs, "id", "echo 1000")
    add(programs, "apt-get", 'echo "$@" >> calls')
    done = run(programs)
    assert done.returncode == 1
    assert "sudo apt-get install chromium" in done.stderr
    assert not (programs / "calls").exists()


def test_root_gets_the_package_after_a_line(programs: Path) -> None:
    add(programs, "id", "echo 0")
    add(programs, "apt-get", 'echo "apt-get $*"')
    done = run(programs)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "installing the Debian package chromium"
    assert lines[1] == "apt-get update -qq"


def test_root_without_apt_gets_the_command(programs: Path) -> None:
    add(programs, "id", "echo 0")
    done = run(programs)
    assert done.returncode == 1
    assert "sudo apt-get install chromium" in done.stderr


def test_present_browser_is_used(programs: Path) -> None:
    add(programs, "id", "echo 0")
    add(programs, "chromium", "exit 0")
    done = run(programs)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
