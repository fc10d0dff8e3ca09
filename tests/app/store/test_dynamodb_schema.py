"""The table's definition: DynamoDB accepts it, and template.yaml has the same."""

from typing import Any

import boto3  # type: ignore[import-untyped] # boto3 has no types
import pytest
from moto import mock_aws

from tests.app.store.dynamodb_schema import create_table_input, time_to_live_input
from tests.app.store.test_dynamodb import OPERATIONS
from tests.infra.cloudformation import Stack, translate


def test_dynamodb_accepts_table_and_ttl(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL_DYNAMODB", raising=False)
    with mock_aws():
        client = boto3.client("dynamodb", region_name="eu-central-1")
        table = client.create_table(**create_table_input("t"))["TableDescription"]
        client.update_time_to_live(**time_to_live_input("t"))
        found = client.describe_time_to_live(TableName="t")["TimeToLiveDescription"]
    assert table["BillingModeSummary"] == {"BillingMode": "PAY_PER_REQUEST"}
    assert found == {"AttributeName": "x", "TimeToLiveStatus": "ENABLED"}


@pytest.fixture(scope="module")
def stack() -> Stack:
    return Stack(translate())


def test_template_has_same_table(stack: Stack) -> None:
    (table,) = stack.of_type("AWS::DynamoDB::Table")
    wanted: dict[str, Any] = create_table_input("t") | time_to_live_input("t")
    del wanted["TableName"]  # CloudFormation's own
    assert {name: table.get(name) for name in wanted} == wanted


def test_role_allows_exactly_store_operations(stack: Stack) -> None:
    policies = stack.properties("ChatRole")["Policies"]
    statements = [s for policy in policies for s in policy["PolicyDocument"]["Statement"]]
    allowed = {action for s in statements for action in s["Action"] if action.startswith("dynamodb:")}
    assert allowed == {f"dynamodb:{operation}" for operation in OPERATIONS}
