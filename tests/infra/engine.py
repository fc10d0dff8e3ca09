"""The container engine on DOCKER_HOST, by the Docker client of the SAM CLI."""

import functools
import subprocess

from tests.infra.paths import SAM_PYTHON

BASE_IMAGE = "public.ecr.aws/lambda/python:3.13-x86_64"


def _ask(question: str) -> subprocess.CompletedProcess[str]:
    program = f"import docker; engine = docker.from_env(timeout=10); {question}"
    return subprocess.run([SAM_PYTHON, "-c", program], capture_output=True, text=True, check=False)


@functools.cache
def why_there_is_none() -> str | None:
    """Returns None if an engine answers, else the error."""
    answer = _ask("engine.ping()")
    return answer.stderr.strip().splitlines()[-1] if answer.returncode else None


def has_base_image() -> bool:
    """Whether `sam local` needs to pull nothing."""
    return _ask(f"engine.images.get({BASE_IMAGE!r})").returncode == 0


def has_container(container: str) -> bool:
    return _ask(f"engine.containers.get({container!r})").returncode == 0


def remove_container(container: str) -> None:
    """Stops and removes a container if it still exists."""
    _ask(f"engine.containers.get({container!r}).remove(force=True)")
