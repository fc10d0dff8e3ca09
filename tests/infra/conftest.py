"""What the tests of the local programs share."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.infra.programs import Program


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Starts a program, by default in an empty directory, where no `.env` has a say; kills it after the test."""
    with ExitStack() as stack:

        def start(*arguments: str, cwd: Path = tmp_path, **variables: str) -> Program:
            return stack.enter_context(Program(*arguments, cwd=cwd, **variables))

        yield start
