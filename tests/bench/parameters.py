"""A Parameter Store that holds the key: moto's, in a thread of this process."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import boto3  # type: ignore[import-untyped] # it has no types
from moto.server import ThreadedMotoServer

PATH = "/bench"


@contextmanager
def parameter_store() -> Iterator[dict[str, str]]:
    """The variables that a function has for it."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    host, port = server.get_host_and_port()
    account = {
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL_SSM": f"http://{host}:{port}",
    }
    os.environ |= account
    try:
        boto3.client("ssm").put_parameter(Name=f"{PATH}/openai-api-key", Value="sk-bench", Type="SecureString")
        yield {**account, "PARAMETER_PATH": PATH, "OPENAI_API_KEY": ""}
    finally:
        server.stop()
