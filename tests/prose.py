"""Measures the English of the tree; `python -m tests.prose` fails beyond the limits.

It reads the documents, docstrings, comments, template descriptions and the names of
tests. The counts are upper bounds: a word that is right in its place counts as well.
`--list` prints each place.
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
MAX_TEST_NAME = 8
MAX_MEDIAN_TEST_NAME = 6
MAX_DOCSTRING_WIDTH = 88

# per 1,000 words
LIMITS = {"a person for a thing": 0.1, "where for if": 0.5, "software that talks": 0.5}
PATTERNS = {
    "a person for a thing": re.compile(r"\b(whoever|whomever|somebody|someone|nobody)\b", re.IGNORECASE),
    # "where" is a place after a preposition or a verb of knowing, or before a verb of
    # place
    "where for if": re.compile(
        r"(?<!from )(?<!of )(?<!to )(?<!is )(?<!show )(?<!shows )(?<!names )(?<!knows )"
        r"(?<!places )(?<!place )(?<!\| )\bwhere\b(?! (to|from|the \w+ (lies|lives|stands)))",
        re.IGNORECASE,
    ),
    "software that talks": re.compile(r"\b(tell|tells|told|say|says|said|hear|hears|heard)\b", re.IGNORECASE),
}


class Passage(NamedTuple):
    """A piece of prose: a docstring, a comment or a line of a document."""

    path: str
    line: int
    text: str


def tracked(*patterns: str) -> list[Path]:
    """Returns the files that git tracks."""
    command = ["git", "ls-files", "-z", *patterns]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.split("\0") if name and "/vendor/" not in name]


def docstrings(path: Path, tree: ast.AST) -> Iterator[Passage]:
    """Yields each string that is a statement, docstrings of attributes included."""
    name = str(path.relative_to(ROOT))
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str() as text)):
                yield Passage(name, node.lineno, text)


def comments(path: Path) -> Iterator[Passage]:
    """Yields the comments of a Python file, without directives to a tool."""
    name = str(path.relative_to(ROOT))
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type == tokenize.COMMENT:
            text = re.sub(r"#\s*(noqa|type|ruff)\b[^-]*-?", "", token.string)
            yield Passage(name, token.start[0], text)


def lines(path: Path, pattern: str) -> Iterator[Passage]:
    """Yields the first group of `pattern` in each line that has it."""
    name = str(path.relative_to(ROOT))
    in_code = False
    for number, line in enumerate(path.read_text().splitlines(), 1):
        in_code ^= path.suffix == ".md" and line.startswith("```")
        found = None if in_code or (line.startswith("    ") and path.suffix == ".md") else re.search(pattern, line)
        if found:
            yield Passage(name, number, found[1])


def passages() -> Iterator[Passage]:
    """Yields all prose of the tree."""
    for path in tracked("*.py"):
        yield from docstrings(path, ast.parse(path.read_text()))
        yield from comments(path)
    for path in tracked("*.md"):
        yield from lines(path, r"^(.*)$")
    for path in tracked("*.yaml", "*.yml", "*.toml", "*.sh", "Makefile", ".ci/run", "handler/bootstrap"):
        yield from lines(path, r"(?:^|\s)#+\s(.*)$")
    for path in tracked("*.yaml"):
        yield from lines(path, r"Description: (.*)$")
    for path in tracked("app/**/*.js", "*.css"):
        yield from lines(path, r"(?:^|\s)(?://|/?\*+)\s(.*)$")


def test_names() -> list[str]:
    """Returns the names of all test functions, without their prefix."""
    return [
        node.name.removeprefix("test_")
        for path in tracked("tests/*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]


def rates(everything: list[Passage]) -> Iterator[tuple[str, float, float]]:
    """Yields each pattern with its rate in 1,000 words and its limit."""
    words = sum(len(passage.text.split()) for passage in everything)
    for kind, limit in LIMITS.items():
        found = sum(len(PATTERNS[kind].findall(passage.text)) for passage in everything)
        yield f"{kind}, in 1,000 words", found / words * 1000, limit


def figures(everything: list[Passage]) -> Iterator[tuple[str, float, float]]:
    """Yields each measure with its value and its limit."""
    yield from rates(everything)
    widths = [
        max(map(len, passage.text.splitlines() or [""]))
        for path in tracked("*.py")
        for passage in docstrings(path, ast.parse(path.read_text()))
    ]
    yield "width of docstrings, 90th percentile", quantiles(widths, n=10)[-1], MAX_DOCSTRING_WIDTH
    lengths = [len(name.split("_")) for name in test_names()]
    yield "words of a test's name, median", median(lengths), MAX_MEDIAN_TEST_NAME
    yield "words of a test's name, maximum", max(lengths), MAX_TEST_NAME


def main() -> int:
    """Prints the figures. Returns 1 if one is beyond its limit."""
    everything = list(passages())
    if "--list" in sys.argv:
        for passage in everything:
            for kind, pattern in PATTERNS.items():
                if pattern.search(passage.text):
                    print(f"{passage.path}:{passage.line}: {kind}: {' '.join(passage.text.split())}")
    measured = list(figures(everything))
    for name, value, limit in measured:
        print(f"{name}: {value:.2f}, at most {limit}{'' if value <= limit else ' NO'}")
    return int(any(value > limit for _, value, limit in measured))


if __name__ == "__main__":
    sys.exit(main())
