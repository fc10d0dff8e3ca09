"""The imports that the design allows, and the files of the top level."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = {
    str(path.relative_to(ROOT)): ast.parse(path.read_text())
    for part in ("app", "handler")
    for path in (ROOT / part).rglob("*.py")
}


def imports(tree: ast.AST) -> Iterator[str]:
    """Yields every module that is imported anywhere in the tree, by its full name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def importers(*names: str) -> set[str]:
    """Returns the files that import one of `names`, or a module below it."""
    return {
        path
        for path, tree in SOURCES.items()
        for module in imports(tree)
        if any(module == name or module.startswith(f"{name}.") for name in names)
    }


def test_only_upstream_imports_openai() -> None:
    assert importers("openai") == {"app/upstream/request.py"}


def test_only_two_modules_import_aws() -> None:
    aws = importers("boto3", "botocore", "aws_lambda_powertools.utilities.parameters")
    assert aws == {"app/parameter_store.py", "app/store/dynamodb/client.py"}


def test_only_entry_points_import_app() -> None:
    assert {path for path in importers("app") if path.startswith("handler/")} == {
        "handler/__main__.py",
        "handler/buffered.py",
    }


def test_app_imports_no_lambda() -> None:
    assert {path for path in importers("handler", "mangum") if path.startswith("app/")} == set()


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        ("app/chat/", ("app.routes", "app.middleware", "app.logs", "app.metrics", "app.main", "httpx2")),
        ("app/upstream/", ("app.chat", "app.store", "app.routes", "app.middleware", "app.main")),
        ("app/store/", ("app.chat", "app.upstream", "app.routes", "app.contract")),
        ("app/contract.py", ("app",)),
    ],
)
def test_imports_point_downwards(inner: str, outer: tuple[str, ...]) -> None:
    assert {path for path in importers(*outer) if path.startswith(inner)} == set()


def test_only_main_imports_routes() -> None:
    callers = {path for path in importers("app.routes") if not path.startswith("app/routes/")}
    assert callers == {"app/main.py"}


def test_imports_have_no_cycle() -> None:
    """Imports inside functions count as well."""
    graph = {module_of(path): {name for name in imported(tree) if name} for path, tree in SOURCES.items()}
    done: set[str] = set()

    def walk(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module not in done:
            for other in graph.get(module, ()):
                walk(other, (*path, module))
            done.add(module)

    for module in graph:
        walk(module, ())


def module_of(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


MODULES = {module_of(path) for path in SOURCES}


def imported(tree: ast.AST) -> Iterator[str]:
    """Yields the modules of this project that the tree imports,
    and the packages of their names.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from names & MODULES
            if names - MODULES and node.module in MODULES:
                yield node.module


def test_top_level_has_expected_files() -> None:
    fixed = {"app", "handler", "infra", "tests", "template.yaml", "pyproject.toml", "README.md", "Makefile"}
    fixed |= {"samconfig.toml", "LICENSE", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs"}
    assert {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} == fixed
