"""The buffered door: `handler.buffered.handler`, for Lambda's stock runtime client.

For an Application Load Balancer, an HTTP API, or whoever does without the wrapper: leave AWS_LAMBDA_EXEC_WRAPPER out
and name this as the function's handler. Importing it builds the app, once per environment; what fails then, the stock
client reports as the failure of the initialization.
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
