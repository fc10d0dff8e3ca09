"""Events of the four sources of HTTP requests, with the fields that are read."""

from typing import Any

Event = dict[str, Any]


def function_url(path: str = "/", method: str = "GET", *, query: str = "", **changes: Any) -> Event:
    """Lambda Developer Guide, "Invoking Lambda function
    URLs", "Request payload format".
    """
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"host": "abc.lambda-url.eu-central-1.on.aws", "x-forwarded-proto": "https"},
        "requestContext": {
            "domainName": "abc.lambda-url.eu-central-1.on.aws",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7"},
            "stage": "$default",
        },
        "isBase64Encoded": False,
        **changes,
    }


def http_api(path: str, *, stage: str, domain: str = "abc.execute-api.eu-central-1.amazonaws.com") -> Event:
    """API Gateway Developer Guide, HTTP APIs, "Payload format version 2.0"."""
    event = function_url(path)
    event["requestContext"] |= {"domainName": domain, "stage": stage}
    return event


def rest_api(path: str = "/", method: str = "GET", *, stage: str = "Prod", **changes: Any) -> Event:
    """API Gateway Developer Guide, REST APIs, "Input format of a
    Lambda function for proxy integration".
    """
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {"Host": "abc.execute-api.eu-central-1.amazonaws.com"},
        "multiValueHeaders": {"Host": ["abc.execute-api.eu-central-1.amazonaws.com"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"path": f"/{stage}{path}", "stage": stage, "identity": {"sourceIp": "203.0.113.7"}},
        "body": None,
        "isBase64Encoded": False,
        **changes,
    }


def version_1(path: str, *, stage: str, domain: str = "abc.execute-api.eu-central-1.amazonaws.com") -> Event:
    """API Gateway Developer Guide, HTTP APIs, "Payload format
    version 1.0": the stage is in the path.
    """
    event = rest_api(path, version="1.0", stage=stage)
    event["requestContext"] |= {"domainName": domain, "path": path}
    return event


def load_balancer(path: str = "/", method: str = "GET", **changes: Any) -> Event:
    """User Guide for Application Load Balancers, "Lambda functions as targets"."""
    return {
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/a/b"}},
        "httpMethod": method,
        "path": path,
        "queryStringParameters": {},
        "headers": {"host": "lb.example.com", "x-forwarded-for": "203.0.113.7"},
        "body": "",
        "isBase64Encoded": False,
        **changes,
    }
