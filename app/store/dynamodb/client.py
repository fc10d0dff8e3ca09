"""boto3's client of DynamoDB, and its errors as errors of the store.

This is the only module of the store that imports boto3. It is imported when a store is
created, because that takes a third of a second. boto3's retries are safe: every write
of the store is conditional or idempotent.
"""

import re
from http import HTTPStatus
from typing import Any

import boto3  # type: ignore[import-untyped] # boto3 and botocore have no types
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import (  # type: ignore[import-untyped]
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's name
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    ParamValidationError,
)

from app.store import StoreRefusedError, StoreSetupError, StoreUnavailableError
from app.store.dynamodb.table import Call, ConditionFailedError

CONNECT_TIMEOUT = 1.0  # seconds
READ_TIMEOUT = 1.5  # seconds; DynamoDB answers within a few milliseconds, or not at all
ATTEMPTS = 3  # together with their pauses shorter than a lease
PASSING_ERRORS = (HTTPClientError, ConnectionError, IncompleteReadError, CredentialRetrievalError)  # of the network
CONDITION_FAILED = "ConditionalCheckFailedException"
OUR_FAULT = {"ValidationException", "SerializationException"}  # the request is wrong: a bug of this program
# client errors that pass by themselves; every other client error lasts until it is
# corrected
PASSING = {
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionConflictException",
    "TransactionInProgressException",
}


def make_client(
    connections: int,
    *,
    connect_timeout: float = CONNECT_TIMEOUT,
    read_timeout: float = READ_TIMEOUT,
    attempts: int = ATTEMPTS,
) -> object:
    """Returns a client for this number of threads.

    Region, credentials and endpoint come from the environment (AWS_DEFAULT_REGION,
    AWS_ENDPOINT_URL_DYNAMODB, ...). Raises StoreSetupError if they are unusable.
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


def calls_of(client: Any) -> Call:  # noqa: ANN401 - boto3 creates the class at run time
    """Returns the client's operations by name: `call("get_item", TableName=...)`."""

    def call(operation: str, **request: object) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(client, operation)(**request)
        except ParamValidationError:
            raise
        except ClientError as error:
            raise _to_store_error(operation, error) from error
        except BotoCoreError as error:
            kind = StoreUnavailableError if isinstance(error, PASSING_ERRORS) else StoreRefusedError
            raise kind(f"DynamoDB {operation}: {type(error).__name__}") from error
        return answer

    return call


def _to_store_error(operation: str, error: ClientError) -> Exception:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == CONDITION_FAILED:
        return ConditionFailedError()
    if code in OUR_FAULT:
        wrong: Exception = error
        return wrong
    passes = code in PASSING or not HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    kind = StoreUnavailableError if passes else StoreRefusedError
    return kind(f"DynamoDB {operation}: {re.sub(r'[^A-Za-z0-9._-]', '', code)[:64]} ({status})")
