"""The content of the artifact of `sam build`, and that it runs."""

import re
import subprocess
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.infra.conftest import Runnable, make_artifact
from tests.infra.paths import ROOT

MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_artifact(tmp_path_factory.mktemp("rebuilt"))


@pytest.fixture(scope="module")
def for_arm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_artifact(tmp_path_factory.mktemp("arm64"), ARCHITECTURE="arm64")


def locked() -> set[str]:
    """Returns the distributions in the function's lock, by their normalised names."""
    lock = (ROOT / "infra/requirements/function.txt").read_text()
    return {normalised(name) for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def installed(artifact: Path) -> set[str]:
    return {normalised(path.name.split("-")[0]) for path in artifact.glob("*.dist-info")}


def files(artifact: Path) -> dict[str, Path]:
    return {str(path.relative_to(artifact)): path for path in artifact.rglob("*") if path.is_file()}


def native_platforms(artifact: Path) -> set[str]:
    return {path.name.split(".")[1] for path in artifact.rglob("*.so")}


def zipped_size(artifact: Path, archive: Path) -> int:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for name, path in files(artifact).items():
            target.write(path, name)
    return archive.stat().st_size


def test_artifact_has_exactly_locked_distributions(artifact: Path) -> None:
    assert installed(artifact) == locked()


def test_top_level_is_project_and_dependencies(artifact: Path) -> None:
    names = {p.name.removesuffix(".py") for p in artifact.iterdir() if p.suffix != ".dist-info"} - {"__pycache__"}
    imports = {n for n, owners in packages_distributions().items() if locked() & set(map(normalised, owners))}
    assert {"app", "handler"} <= names <= imports | {"app", "handler"}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no checkout")
def test_artifact_has_whole_project(artifact: Path) -> None:
    command = ["git", "ls-files", "-z", "app", "handler"]
    listed = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    assert set(listed.stdout.split("\0")) - {""} <= files(artifact).keys()


def test_artifact_has_no_tests(artifact: Path) -> None:
    assert not [name for name in files(artifact) if {"tests", "_tests"} & set(Path(name).parts)]


def test_artifact_is_below_15_mb(artifact: Path, tmp_path: Path) -> None:
    assert zipped_size(artifact, tmp_path / "artifact.zip") <= 15 * MEGABYTE


def test_bootstrap_is_executable(artifact: Path) -> None:
    assert (artifact / "handler/bootstrap").stat().st_mode & 0o777 == 0o755


def test_every_module_has_bytecode_for_target(runnable: Runnable) -> None:
    names = files(runnable.artifact)
    modules = {name.removesuffix(".py") for name in names if name.endswith(".py")}
    compiled = {name.replace("__pycache__/", "") for name in names if name.endswith(".pyc")}
    assert compiled == {f"{module}.{runnable.cache_tag}.pyc" for module in modules}


def test_bytecode_ignores_dates(runnable: Runnable) -> None:
    bytecode = (runnable.artifact / f"app/__pycache__/main.{runnable.cache_tag}.pyc").read_bytes()
    assert bytecode[4:8] == (1).to_bytes(4, "little")  # PEP 552: by hash, unchecked
    assert b"/var/task/app/main.py" in bytecode
    assert str(runnable.artifact).encode() not in bytecode


def test_builds_are_reproducible(artifact: Path, rebuilt: Path) -> None:
    one, other = files(artifact), files(rebuilt)
    assert one.keys() == other.keys()
    different = [name for name, path in one.items() if path.read_bytes() != other[name].read_bytes()]
    assert different == []
    assert [n for n, p in one.items() if p.stat().st_mtime != other[n].stat().st_mtime] == []


def test_native_code_is_for_lambda(artifact: Path) -> None:
    assert native_platforms(artifact) == {"cpython-313-x86_64-linux-gnu"}


def test_arm64_build_has_arm64_code(for_arm: Path) -> None:
    assert native_platforms(for_arm) == {"cpython-313-aarch64-linux-gnu"}
