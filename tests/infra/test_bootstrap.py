"""handler/bootstrap, called as Lambda calls a wrapper, on a handler that tells what it has been given."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.infra.paths import ROOT

TELLING = "import json, os, sys; print(json.dumps([sys.executable, sys.argv[1:], os.getcwd(), sys.path]))"


@pytest.fixture
def task_root(tmp_path: Path) -> Path:
    handler = tmp_path / "task" / "handler"
    handler.mkdir(parents=True)
    (handler / "__init__.py").touch()
    (handler / "__main__.py").write_text(TELLING)
    return handler.parent


def bootstrap(task_root: Path, **variables: str) -> tuple[str, list[str], str, list[str]]:
    """Interpreter, arguments, working directory and module path of the process that bootstrap becomes."""
    ours = {"LAMBDA_TASK_ROOT": str(task_root), "LAMBDA_RUNTIME_DIR": "/var/runtime"}
    told = subprocess.run(
        [ROOT / "handler/bootstrap", sys.executable, "/var/runtime/bootstrap.py"],
        env={"PATH": os.environ["PATH"], **ours, **variables},
        stdout=subprocess.PIPE,
        check=True,
    )
    answer: Any = json.loads(told.stdout)
    return tuple(answer)


def test_it_becomes_the_handler_on_lambdas_interpreter_without_arguments(task_root: Path) -> None:
    interpreter, arguments, directory, _ = bootstrap(task_root)
    assert (interpreter, arguments, directory) == (sys.executable, [], str(task_root))


def test_modules_come_from_the_artifact_then_layers_then_the_runtime(task_root: Path) -> None:
    *_, path = bootstrap(task_root)
    assert path[:3] == [str(task_root), "/opt/python", "/var/runtime"]


def test_a_pythonpath_of_the_deployer_comes_last(task_root: Path) -> None:
    *_, path = bootstrap(task_root, PYTHONPATH="/mnt/modules")
    assert path[:4] == [str(task_root), "/opt/python", "/var/runtime", "/mnt/modules"]


def test_it_fails_where_there_is_no_task_root(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        bootstrap(tmp_path / "nowhere")
