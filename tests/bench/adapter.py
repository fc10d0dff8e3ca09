"""Only the tutorial's application in our adapter. `python -m tests.bench.adapter`."""

import asyncio
import gc
import os
import sys

from mangum.types import ASGI

from handler.runtime import run


def create_app() -> ASGI:
    """Runs it like handler.__main__."""
    from tests.bench.tutorial import app  # noqa: PLC0415 - see there

    gc.freeze()
    return app


if __name__ == "__main__":
    sys.exit(asyncio.run(run(create_app, os.environ)))
