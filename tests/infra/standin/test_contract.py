import json

import pytest
from pydantic import JsonValue

from infra.standin.contract import ApiError, CreateRequest, JsonObject


def request(**fields: JsonValue) -> CreateRequest:
    return CreateRequest.parse(json.dumps({"model": "m", "input": "Hi", **fields}).encode())


def error_of(body: bytes) -> JsonValue:
    with pytest.raises(ApiError) as caught:
        CreateRequest.parse(body)
    assert caught.value.status == 400
    return caught.value.body["error"]


def test_string_input_is_prompt() -> None:
    assert request(input="Hi").prompt == "Hi"


def test_last_user_message_is_prompt() -> None:
    messages: list[JsonValue] = [
        {"role": "user", "content": "one"},
        {"role": "user", "content": [{"type": "input_text", "text": "two"}, {"type": "input_text", "text": "!"}]},
        {"role": "assistant", "content": "three"},
    ]
    assert request(input=messages).prompt == "two!"


def test_missing_user_message_is_empty_prompt() -> None:
    assert request(input=[{"type": "item_reference", "id": "msg_1"}]).prompt == ""


@pytest.mark.parametrize("body", [b"", b"{", b'{"model": "\xff"}', b'{"input": "\\ud83d"}', b'{"input": NaN}'])
def test_non_json_is_refused(body: bytes) -> None:
    error = error_of(body)
    assert isinstance(error, dict)
    assert error["type"] == "invalid_request_error"
    assert "not JSON" in str(error["message"])


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"input": "Hi"}, "model", "missing_required_parameter"),
        ({"model": "m"}, "input", "missing_required_parameter"),
        ({"model": "m", "input": None}, "input", "invalid_type"),
        ({"model": "m", "input": ["Hi"]}, "input", "invalid_type"),
        ({"model": "m", "input": "Hi", "stream": "yes"}, "stream", "invalid_type"),
        ({"model": "m", "input": "Hi", "max_output_tokens": 15}, "max_output_tokens", "integer_below_min_value"),
        ({"model": "m", "input": "Hi", "safety_identifier": "x" * 129}, "safety_identifier", "string_above_max_length"),
    ],
)
def test_wrong_parameter_is_named(fields: JsonObject, param: str, code: str) -> None:
    error = error_of(json.dumps(fields).encode())
    assert isinstance(error, dict)
    assert (error["param"], error["code"]) == (param, code)


def test_non_object_body_is_refused() -> None:
    error = error_of(b"[]")
    assert isinstance(error, dict)
    assert error["code"] == "invalid_type"
