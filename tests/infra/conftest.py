"""The built artifact and how to run it, and local programs."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.infra.paths import ROOT, SAM
from tests.infra.programs import Program

TARGET = "3.13"


@dataclass(frozen=True)
class Build:
    """What `sam build` has made: its copy of the template, and the function's artifact."""

    template: Path
    artifact: Path


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Built by `sam build` as a user does it, but not into .aws-sam: that is the user's."""
    directory = tmp_path_factory.mktemp("sam") / "build"
    subprocess.run([SAM, "build", "--build-dir", directory], cwd=ROOT, check=True)
    return Build(directory / "template.yaml", directory / "ChatFunction")


@pytest.fixture(scope="session")
def artifact(build: Build) -> Path:
    return build.artifact


def make_artifact(directory: Path, **variables: str) -> Path:
    """What `sam build` calls, by itself and with these variables."""
    command = ["make", "--silent", "build-ChatFunction", f"ARTIFACTS_DIR={directory}"]
    subprocess.run(command, cwd=ROOT, env=os.environ | variables, check=True)
    return directory


def has_target_interpreter() -> bool:
    """Whether there is an interpreter of Lambda's version, that also runs: a shim may not."""
    name = f"python{TARGET}"
    if not shutil.which(name):
        return False
    return subprocess.run([name, "-c", ""], capture_output=True, check=False).returncode == 0


@dataclass(frozen=True)
class Runnable:
    """An artifact for this machine, and the interpreter that it is for."""

    artifact: Path
    interpreter: str


@pytest.fixture(scope="session")
def runnable(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Runnable:
    """The artifact itself where this machine can run it, else one that differs in version and architecture only."""
    if has_target_interpreter() and platform.machine() == "x86_64":
        return Runnable(artifact, f"python{TARGET}")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    architecture = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    print(f"\nthe artifact runs as one for Python {version} on {architecture}: no python{TARGET} on x86_64 here")  # noqa: T201 - what was tested must be known
    directory = tmp_path_factory.mktemp("artifact")
    return Runnable(make_artifact(directory, PYTHON_VERSION=version, ARCHITECTURE=architecture), sys.executable)


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Starts a program, by default in an empty directory, where no `.env` has a say; kills it after the test."""
    with ExitStack() as stack:

        def start(*arguments: str, cwd: Path = tmp_path, **variables: str) -> Program:
            return stack.enter_context(Program(*arguments, cwd=cwd, **variables))

        yield start
