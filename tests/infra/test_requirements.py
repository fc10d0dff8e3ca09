"""The locks in infra/requirements."""

import re
import tomllib

import pytest

from tests.infra.paths import ROOT

LOCKS = ("function", "local", "dev", "sam")
PIN = re.compile(r"^([\w.\[\]-]+)==([\w.]+)( ;.*)? \\$", re.MULTILINE)


def text(lock: str) -> str:
    return (ROOT / f"infra/requirements/{lock}.txt").read_text()


def pins(lock: str) -> set[tuple[str, str]]:
    """Returns name and version of each distribution in the lock."""
    return {(name, version) for name, version, _ in PIN.findall(text(lock))}


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[>=<~! ]", requirement)[0].lower() for requirement in requirements}


@pytest.mark.parametrize(("smaller", "larger"), [("function", "local"), ("local", "dev")])
def test_lock_is_part_of_larger_lock(smaller: str, larger: str) -> None:
    assert pins(smaller) < pins(larger)


def test_function_lock_has_all_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert names(project["dependencies"]) <= {name for name, _ in pins("function")}


def test_function_lock_has_no_boto3() -> None:
    assert not {"boto3", "botocore"} & {name for name, _ in pins("function")}


def test_function_lock_has_no_markers() -> None:
    assert " ; " not in text("function")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_has_hashes(lock: str) -> None:
    for entry in re.split(r"\n(?=\S)", text(lock)):
        assert "--hash=sha256:" in entry


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_host(lock: str) -> None:
    assert "://" not in text(lock)
