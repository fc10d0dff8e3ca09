"""The DynamoDB table of template.yaml as input of the API. A test compares the two."""

from typing import Any

from app.store.dynamodb.items import EXPIRY, INDEX


def create_table_input(table_name: str) -> dict[str, Any]:
    """Returns the input of CreateTable."""
    return {
        "TableName": table_name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
            {"AttributeName": "u", "AttributeType": "N"},
        ],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "LocalSecondaryIndexes": [
            {
                "IndexName": INDEX,
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "u", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    }


def time_to_live_input(table_name: str) -> dict[str, Any]:
    """Returns the input of UpdateTimeToLive."""
    return {"TableName": table_name, "TimeToLiveSpecification": {"AttributeName": EXPIRY, "Enabled": True}}
