"""The application with a short lease, on a machine whose clock is off by SKEW
seconds.
"""

import os
import time
from unittest.mock import patch

from fastapi import FastAPI


def create_app() -> FastAPI:
    """The factory for uvicorn."""
    now, skew = time.time, float(os.environ["SKEW"])
    patch.object(time, "time", lambda: now() + skew).start()
    from tests.faults.impatient import create_app  # noqa: PLC0415 - it binds the clock when it is imported

    return create_app()
