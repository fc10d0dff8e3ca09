"""The container engine on DOCKER_HOST, asked through the Docker client that the SAM CLI brings."""

import functools
import subprocess

from tests.infra.paths import SAM_PYTHON

BASE_IMAGE = "public.ecr.aws/lambda/python:3.13-x86_64"


def _ask(question: str) -> subprocess.CompletedProcess[str]:
    program = f"import docker; engine = docker.from_env(timeout=10); {question}"
    return subprocess.run([SAM_PYTHON, "-c", program], capture_output=True, text=True, check=False)


@functools.cache
def why_there_is_none() -> str | None:
    """None where an engine answers, else its reason not to."""
    answer = _ask("engine.ping()")
    return answer.stderr.strip().splitlines()[-1] if answer.returncode else None


def has_base_image() -> bool:
    """Whether `sam local` needs to pull nothing."""
    return _ask(f"engine.images.get({BASE_IMAGE!r})").returncode == 0


def has_container(container: str) -> bool:
    return _ask(f"engine.containers.get({container!r})").returncode == 0


def remove_container(container: str) -> None:
    """Ends and removes it, if it is still there."""
    _ask(f"engine.containers.get({container!r}).remove(force=True)")
