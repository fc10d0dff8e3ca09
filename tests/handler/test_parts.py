"""Which parts of the handler may do I/O."""

import ast
from pathlib import Path

import pytest

import handler

FOLDER = Path(handler.__file__).parent
IO = {"asyncio", "socket", "os", "signal", "sys", "time"}


def imports(module: str) -> set[str]:
    nodes = list(ast.walk(ast.parse((FOLDER / f"{module}.py").read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize(
    "module", ["errors", "protocol", "event", "authority", "prefix", "bridge", "response", "warm_up", "reporting"]
)
def test_protocol_is_pure(module: str) -> None:
    assert not imports(module) & IO


def test_only_connection_speaks_http() -> None:
    assert [path.stem for path in FOLDER.glob("*.py") if "h11" in imports(path.stem)] == ["connection"]


def test_map_names_every_module() -> None:
    doors = {"__init__", "__main__", "buffered"}
    modules = {path.stem for path in FOLDER.glob("*.py")} - doors
    named = {line.split()[0] for line in str(handler.__doc__).splitlines() if line.startswith("    ")}
    assert named == modules
