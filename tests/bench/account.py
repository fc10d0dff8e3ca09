"""An AWS account for a deployed function: the key in the Parameter Store, and the
table. It is moto in a thread of this process.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3  # type: ignore[import-untyped] # it has no types
from moto.server import ThreadedMotoServer

from tests.app.store.dynamodb_schema import create_table_input

PATH = "/bench"
TABLE = "bench"
KEYS = {"aws_access_key_id": "bench", "aws_secret_access_key": "bench"}
REGION = "eu-central-1"


@contextmanager
def account(path: str = PATH) -> Iterator[dict[str, str]]:
    """The variables of the deployed function; the parameters are below `path`."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    try:
        client("ssm", url).put_parameter(Name=f"{path}/openai-api-key", Value="sk-bench", Type="SecureString")
        client("dynamodb", url).create_table(**create_table_input(TABLE))
        yield {
            **{name.upper(): value for name, value in KEYS.items()},
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": url,
            "OPENAI_API_KEY": "",
            "PARAMETER_PATH": path,
            "TABLE_NAME": TABLE,
        }
    finally:
        server.stop()


def client(service: str, url: str) -> Any:
    """boto3's client for this account, independent of the environment."""
    return boto3.client(service, endpoint_url=url, region_name=REGION, **KEYS)
