"""handler/bootstrap, called as Lambda calls a wrapper, with a
handler that prints its arguments.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.infra.paths import ROOT

TELLING = "import json, os, sys; print(json.dumps([sys.executable, sys.argv[1:], os.getcwd(), sys.path]))"

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
SITE_PACKAGES = f"/opt/python/lib/python{VERSION}/site-packages"


@pytest.fixture
def task_root(tmp_path: Path) -> Path:
    handler = tmp_path / "task" / "handler"
    handler.mkdir(parents=True)
    (handler / "__init__.py").touch()
    (handler / "__main__.py").write_text(TELLING)
    return handler.parent


def bootstrap(
    task_root: Path, *, interpreter: str = sys.executable, **variables: str
) -> tuple[str, list[str], str, list[str]]:
    """Returns interpreter, arguments, directory and module path of
    the process that bootstrap becomes.
    """
    ours = {"LAMBDA_TASK_ROOT": str(task_root), "LAMBDA_RUNTIME_DIR": "/var/runtime"}
    told = subprocess.run(
        [ROOT / "handler/bootstrap", interpreter, "/var/runtime/bootstrap.py"],
        env={"PATH": os.environ["PATH"], **ours, **variables},
        stdout=subprocess.PIPE,
        check=True,
    )
    answer: Any = json.loads(told.stdout)
    return tuple(answer)


def test_bootstrap_execs_handler(task_root: Path) -> None:
    interpreter, arguments, directory, _ = bootstrap(task_root)
    assert (interpreter, arguments, directory) == (sys.executable, [], str(task_root))


def test_module_path_is_artifact_layers_runtime(task_root: Path) -> None:
    *_, path = bootstrap(task_root)
    assert path[:4] == [str(task_root), SITE_PACKAGES, "/opt/python", "/var/runtime"]


def test_pythonpath_of_deployer_comes_last(task_root: Path) -> None:
    *_, path = bootstrap(task_root, PYTHONPATH="/mnt/modules")
    assert path[:5] == [str(task_root), SITE_PACKAGES, "/opt/python", "/var/runtime", "/mnt/modules"]


@pytest.mark.parametrize("name", ["python3", "python", "python3.13", "python3.9"])
def test_layers_are_those_of_the_interpreter(task_root: Path, tmp_path: Path, name: str) -> None:
    interpreter = tmp_path / name
    interpreter.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    interpreter.chmod(0o755)
    *_, path = bootstrap(task_root, interpreter=str(interpreter))
    version = name.removeprefix("python") if "." in name else VERSION
    assert path[1] == f"/opt/python/lib/python{version}/site-packages"


def test_start_fails_without_a_working_interpreter(task_root: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        bootstrap(task_root, interpreter="/nowhere/python")


def test_missing_task_root_fails(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        bootstrap(tmp_path / "nowhere")
