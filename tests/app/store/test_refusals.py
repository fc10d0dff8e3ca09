"""A store that refuses until its operator corrects it: logged once, never retryable."""

import logging
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from botocore.exceptions import ClientError  # type: ignore[import-untyped] # botocore has no types

from app.main import create_app
from app.store import StoreRefusedError, StoreUnavailableError
from app.store.dynamodb.client import calls_of
from app.store.dynamodb.store import DynamoDBStore
from infra.standin.server import StandIn
from tests.app.store.conftest import DynamoDB, use_endpoint
from tests.conftest import MakeSettings

SECRET = "arn:aws:iam::1:user/somebody is not authorized on CANARY"


def failing(code: str, status: int) -> Callable[..., Any]:
    """A client of which each operation fails with this error."""

    class Client:
        def get_item(self, **_: object) -> dict[str, Any]:
            body: Any = {"Error": {"Code": code, "Message": SECRET}, "ResponseMetadata": {"HTTPStatusCode": status}}
            raise ClientError(body, "GetItem")

    return calls_of(Client())


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AccessDeniedException", 400),
        ("ResourceNotFoundException", 400),
        ("UnrecognizedClientException", 400),
        ("InvalidSignatureException", 400),
        ("ExpiredTokenException", 400),
        ("MissingAuthenticationTokenException", 403),
        ("ItemCollectionSizeLimitExceededException", 400),
        ("KMSAccessDeniedException", 400),
        ("", 403),
    ],
)
def test_client_error_is_refused_without_its_text(code: str, status: int) -> None:
    with pytest.raises(StoreRefusedError) as caught:
        failing(code, status)("get_item")
    assert str(caught.value) == f"DynamoDB get_item: {code} ({status})"


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ThrottlingException", 400),
        ("ProvisionedThroughputExceededException", 400),
        ("RequestLimitExceeded", 400),
        ("TransactionConflictException", 400),
        ("InternalServerError", 500),
        ("ServiceUnavailable", 503),
        ("502", 502),
    ],
)
def test_passing_error_is_unavailable(code: str, status: int) -> None:
    with pytest.raises(StoreUnavailableError) as caught:
        failing(code, status)("get_item")
    assert not isinstance(caught.value, StoreRefusedError)


async def test_missing_table_is_refused(dynamodb: DynamoDB, owner: str) -> None:
    store = DynamoDBStore("rivulet-missing", dynamodb.client)
    with pytest.raises(StoreRefusedError, match="ResourceNotFoundException"):
        await store.head(owner, "t")
    await store.close()


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_refusal_is_a_problem_and_one_log_line(
    dynamodb: DynamoDB,
    make_settings: MakeSettings,
    standin: StandIn,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
) -> None:
    use_endpoint(monkeypatch, dynamodb.endpoint)
    app = create_app(make_settings(table_name="rivulet-missing"))
    path = "/api/chat" if method == "POST" else "/api/conversations"
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://app") as client:
        response = await client.request(method, path, json={"message": "CANARY"} if method == "POST" else None)
    problem = response.json()
    assert (response.status_code, problem["code"], problem["retryable"]) == (503, "store_refused", False)
    assert standin.requests() == []
    lines = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(lines) == 1
    assert "ResourceNotFoundException" in lines[0].getMessage()
    assert "CANARY" not in caplog.text
