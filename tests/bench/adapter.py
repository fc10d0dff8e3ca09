"""The tutorial's application in our adapter, and nothing else of ours. `python -m tests.bench.adapter`."""

import asyncio
import os
import sys

from mangum.types import ASGI

from handler.runtime import run


def create_app() -> ASGI:
    from tests.bench.tutorial import app  # noqa: PLC0415 - the adapter's affair, as in handler.__main__

    return app


if __name__ == "__main__":
    sys.exit(asyncio.run(run(create_app, os.environ)))
