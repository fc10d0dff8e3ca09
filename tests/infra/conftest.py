"""The built artifact, a Python for it, and local programs."""

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
    """The output of `sam build`: its copy of the template, and the function's
    artifact.
    """

    template: Path
    artifact: Path


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Built by `sam build`, but not into .aws-sam, which is the user's."""
    directory = tmp_path_factory.mktemp("sam") / "build"
    subprocess.run([SAM, "build", "--build-dir", directory], cwd=ROOT, check=True)
    return Build(directory / "template.yaml", directory / "ChatFunction")


@pytest.fixture(scope="session")
def artifact(build: Build) -> Path:
    return build.artifact


def make_artifact(directory: Path, **variables: str) -> Path:
    """Runs the make target of `sam build` with these variables."""
    command = ["make", "--silent", "build-ChatFunction", f"ARTIFACTS_DIR={directory}"]
    # the interpreter of the tests is one of them
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(command, cwd=ROOT, env=os.environ | {"PATH": path} | variables, check=True)
    return directory


@dataclass(frozen=True)
class Runnable:
    """An artifact for this machine, and its Python."""

    artifact: Path
    version: str

    @property
    def interpreter(self) -> str:
        return f"python{self.version}"

    @property
    def cache_tag(self) -> str:
        """The tag in the names of bytecode and of native modules (PEP 3147)."""
        return f"cpython-{self.version.replace('.', '')}"


@pytest.fixture(scope="session")
def runnable(artifact: Path, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Runnable:
    """The artifact if this machine can run it, else one with
    another version and architecture.
    """
    if platform.machine() == "x86_64" and runs(f"python{TARGET}"):
        return Runnable(artifact, TARGET)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    architecture = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    tell(pytestconfig, f"no python{TARGET} on x86_64: what is run is built for Python {version} on {architecture}")
    directory = tmp_path_factory.mktemp("artifact")
    return Runnable(make_artifact(directory, PYTHON_VERSION=version, ARCHITECTURE=architecture), version)


def runs(interpreter: str) -> bool:
    """Whether the program exists and works: a shim may fail."""
    found = shutil.which(interpreter)
    return bool(found) and subprocess.run([interpreter, "-c", ""], capture_output=True, check=False).returncode == 0


def tell(config: pytest.Config, line: str) -> None:
    """Prints a line between the dots, even if the tests pass."""
    with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        config.pluginmanager.getplugin("terminalreporter").write_line(f"\n{line}")


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Starts a program, by default in an empty directory
    without `.env`; kills it after the test.
    """
    with ExitStack() as stack:

        def start(*arguments: str, cwd: Path = tmp_path, **variables: str) -> Program:
            return stack.enter_context(Program(*arguments, cwd=cwd, **variables))

        yield start
