"""`python -m handler`: the streaming entry point.

`handler/bootstrap` starts it in place of the managed runtime's client.
"""

import gc
import io
import os
import sys

from mangum.types import ASGI

from handler.endpoint import Endpoint
from handler.errors import InvalidEnvironmentError
from handler.logs import log_settings
from handler.metrics import failure_metric
from handler.runtime import serve


def _create_app() -> ASGI:
    """Imports and builds the app, so that a failing import
    is reported as an init error.

    On demand a client waits for the start, so this is the app that answers first. For
    provisioned concurrency, SnapStart and Managed Instances it is the whole app.
    """
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand") == "on-demand":
        from app.cold_start import create_cold_start_app  # noqa: PLC0415 - see above

        return create_cold_start_app()
    from app.main import create_app  # noqa: PLC0415 - see above

    app = create_app()
    gc.freeze()  # as app.cold_start does, for the same reason
    return app


def main() -> int:
    """Returns the exit code."""
    try:
        Endpoint.read(os.environ)
    except InvalidEnvironmentError as error:
        print(error, file=sys.stderr)  # noqa: T201 - there is no log yet
        return 1
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # buffered output would be frozen or killed with the process
    os.environ.update(log_settings(os.environ))  # the app reads its settings there
    return serve(_create_app, os.environ, failure_metric(os.environ.get("METRICS_NAMESPACE")))


if __name__ == "__main__":
    sys.exit(main())
