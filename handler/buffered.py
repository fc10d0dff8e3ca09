"""The buffered entry point: `handler.buffered.handler`, for
the managed runtime's client.

It is for a load balancer, an HTTP API, or a function without the wrapper: leave
AWS_LAMBDA_EXEC_WRAPPER out and name this as the function's handler. The import builds
the app, once per environment. The client reports a failing import as an init error.
"""

import os

from app.main import create_app
from handler.environment import Environment
from handler.logs import log_settings
from handler.managed import lambda_handler
from handler.metrics import failure_metric

_environment = Environment.read(os.environ)
os.environ.update(log_settings(os.environ))  # the app reads its settings there
handler = lambda_handler(create_app(), _environment, failure_metric(os.environ.get("METRICS_NAMESPACE")))
