"""boto3's client of DynamoDB: how it is made, and its errors in the store's own terms.

The only module of the store that knows boto3; it is imported when a store is made, since that takes a third of a
second. What boto3 retries is safe to say twice: every write of the store has a condition or says where it leads.
"""

from typing import Any

import boto3  # type: ignore[import-untyped] # boto3 and botocore have no types
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError  # type: ignore[import-untyped]

from app.store import StoreSetupError, StoreUnavailableError
from app.store.dynamodb.table import Call, ConditionFailedError

CONNECT_TIMEOUT = 1.0  # seconds
READ_TIMEOUT = 1.5  # seconds; DynamoDB answers within a few milliseconds, or not at all
ATTEMPTS = 3  # with all their pauses still less than a lease
CONDITION_FAILED = "ConditionalCheckFailedException"
OUR_FAULT = {"ValidationException", "SerializationException"}  # the request is wrong: a defect of this program


def make_client(
    connections: int,
    *,
    connect_timeout: float = CONNECT_TIMEOUT,
    read_timeout: float = READ_TIMEOUT,
    attempts: int = ATTEMPTS,
) -> object:
    """A client for this many threads; region, credentials and endpoint are the environment's (AWS_DEFAULT_REGION,
    AWS_ENDPOINT_URL_DYNAMODB, ...). Raises StoreSetupError if no client can be made of them.
    """
    config = Config(
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        max_pool_connections=connections,
        tcp_keepalive=True,
    )
    try:
        client: object = boto3.session.Session().client("dynamodb", config=config)
    except (BotoCoreError, ValueError) as error:
        raise StoreSetupError(f"AWS_DEFAULT_REGION or AWS_ENDPOINT_URL: {error}") from error
    return client


def calls_of(client: Any) -> Call:  # noqa: ANN401 - the class of a client is made while the program runs
    """The client's operations, by name, e.g. `call("get_item", TableName=...)`."""

    def call(operation: str, **request: object) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(client, operation)(**request)
        except ParamValidationError:
            raise
        except ClientError as error:
            raise _told(error) from error
        except BotoCoreError as error:
            raise StoreUnavailableError(f"DynamoDB: {error}") from error
        return answer

    return call


def _told(error: ClientError) -> Exception:
    code = error.response["Error"]["Code"]
    if code == CONDITION_FAILED:
        return ConditionFailedError()
    return error if code in OUR_FAULT else StoreUnavailableError(f"DynamoDB: {error}")
