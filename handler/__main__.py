"""`python -m handler`: the streaming door. handler/bootstrap starts it in place of Lambda's own runtime client."""

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
    """Imported here, so that an app that cannot even be imported is reported like any other failure to start.

    On demand somebody waits for the start, and gets what can answer soonest. Everywhere else (provisioned concurrency,
    SnapStart, Managed Instances) the whole app is there from the start.
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
        sys.stdout.reconfigure(line_buffering=True)  # what stays in a buffer is frozen with the process, or killed
    os.environ.update(log_settings(os.environ))  # the app reads its settings there
    return serve(_create_app, os.environ, failure_metric(os.environ.get("METRICS_NAMESPACE")))


if __name__ == "__main__":
    sys.exit(main())
