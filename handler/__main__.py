"""`python -m handler`: the streaming door. handler/bootstrap starts it in place of Lambda's own runtime client."""

import asyncio
import os
import sys

from mangum.types import ASGI

from handler.environment import RUNTIME_API
from handler.runtime import run


def _create_app() -> ASGI:
    """Imported here, so that an app that cannot even be imported is reported like any other failure to start."""
    from app.main import create_app  # noqa: PLC0415 - see above

    return create_app()


def main() -> int:
    """Returns the exit code."""
    if not os.environ.get(RUNTIME_API):
        print(f"{RUNTIME_API} is not set: this runs inside Lambda or its emulator.", file=sys.stderr)  # noqa: T201 - there is no log yet
        return 1
    return asyncio.run(run(_create_app, os.environ))


if __name__ == "__main__":
    sys.exit(main())
