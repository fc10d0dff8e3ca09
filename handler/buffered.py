"""The buffered door: `handler.buffered.handler`, for Lambda's stock runtime client.

For an Application Load Balancer, an HTTP API, or whoever does without the wrapper: leave AWS_LAMBDA_EXEC_WRAPPER out
and name this as the function's handler. Importing it builds the app, once per environment; what fails then, the stock
client reports as the failure of the initialization.
"""

from app.main import create_app
from handler.stock import on_stock_client

handler = on_stock_client(create_app())
