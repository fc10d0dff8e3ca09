"""The DynamoDB table: keys, index, time to live.

A test compares it with template.yaml.
"""

from typing import Any

INDEX = "updated"
EXPIRY = "x"


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
