"""template.yaml, as CloudFormation gets it."""

import json
import re
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from app.settings import Settings
from handler.prefix import BASE_PATH
from tests.app.store.dynamodb_schema import create_table_input, time_to_live_input
from tests.infra.cloudformation import Stack, translate

# the values of a stack that differ from the settings' defaults, and why
DIFFERENT = {
    "LOG_FORMAT": "json",  # CloudWatch reads it
    "METRICS_NAMESPACE": "Rivulet",  # there is a CloudWatch to send metrics to
    "PARAMETER_PATH": "/rivulet/prod",  # there is a Parameter Store
    "TABLE_NAME": "{'Ref': 'ChatTable'}",  # there is a table
    "DATA_DIR": "/tmp/rivulet",  # the only directory that Lambda lets a function write to
}
NOT_ON_LAMBDA = {
    "AWS_SAM_LOCAL",  # the SAM CLI sets it
    "DEMO",  # for the local server's stand-in
}


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return translate()


@pytest.fixture(scope="module")
def stack(template: dict[str, Any]) -> Stack:
    return Stack(template)


@pytest.fixture(scope="module")
def stack_with_rest_api(template: dict[str, Any]) -> Stack:
    return Stack(template, RestApi="true")


def variables(stack: Stack) -> dict[str, str]:
    environment: dict[str, str] = stack.properties("ChatFunction")["Environment"]["Variables"]
    return {name: str(value) for name, value in environment.items() if not name.startswith("AWS_LAMBDA_")}


def statements(stack: Stack) -> dict[str, list[str]]:
    """Returns the function's permissions: action -> resources, as text."""
    policies = stack.properties("ChatRole")["Policies"]
    listed = [s for policy in policies for s in policy["PolicyDocument"]["Statement"]]
    return {str(s["Action"]): [str(r) for r in as_list(s["Resource"])] for s in listed}


def as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def integrations(stack: Stack) -> dict[str, Any]:
    paths = stack.properties("ChatRestApi")["Body"]["paths"]
    return {p: m["x-amazon-apigateway-any-method"]["x-amazon-apigateway-integration"] for p, m in paths.items()}


@pytest.mark.parametrize("rest_api", ["false", "true"])
def test_every_reference_resolves(template: dict[str, Any], rest_api: str) -> None:
    assert Stack(template, RestApi=rest_api).dangling() == set()


def test_function_url_streams(stack: Stack) -> None:
    assert stack.properties("ChatFunctionUrl")["InvokeMode"] == "RESPONSE_STREAM"


def test_function_url_is_public(stack: Stack) -> None:
    public = {p["Action"] for p in stack.of_type("AWS::Lambda::Permission") if p["Principal"] == "*"}
    assert public == {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"}


def test_wrapper_selects_streaming_entry_point(stack: Stack) -> None:
    function = stack.properties("ChatFunction")
    assert function["Environment"]["Variables"]["AWS_LAMBDA_EXEC_WRAPPER"] == "/var/task/handler/bootstrap"
    assert function["Handler"] == "handler.buffered.handler"


def test_rest_api_is_off_by_default(stack: Stack) -> None:
    assert not [r for r in stack.resources.values() if r["Type"].startswith("AWS::ApiGateway::")]
    assert "RestApiUrl" not in stack.outputs


def test_rest_api_streams_every_path(stack_with_rest_api: Stack) -> None:
    modes = {path: i["responseTransferMode"] for path, i in integrations(stack_with_rest_api).items()}
    assert modes == {"/": "STREAM", "/{proxy+}": "STREAM"}


def test_rest_api_invokes_with_response_streaming(stack_with_rest_api: Stack) -> None:
    for integration in integrations(stack_with_rest_api).values():
        assert integration["uri"]["Fn::Sub"].endswith("/${ChatFunction.Arn}/response-streaming-invocations")


def test_only_own_rest_api_may_invoke(stack_with_rest_api: Stack) -> None:
    permission = stack_with_rest_api.properties("ChatRestApiPermission")
    assert permission["Action"] == "lambda:InvokeFunction"
    assert ":${ChatRestApi}/live/" in permission["SourceArn"]["Fn::Sub"]


def test_rest_api_timeout_exceeds_function_timeout(stack_with_rest_api: Stack) -> None:
    longest = stack_with_rest_api.parameters["Timeout"]
    for integration in integrations(stack_with_rest_api).values():
        assert integration["timeoutInMillis"] > 1000 * int(longest)


OPERATIONS = ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "BatchGetItem", "BatchWriteItem", "Query"]


def test_role_allows_log_parameters_and_table(stack: Stack) -> None:
    here = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter${ParameterPath}"
    assert statements(stack) == {
        "['logs:CreateLogStream', 'logs:PutLogEvents']": ["{'Fn::GetAtt': ['ChatLogGroup', 'Arn']}"],
        "ssm:GetParametersByPath": [str({"Fn::Sub": here}), str({"Fn::Sub": f"{here}/*"})],
        str([f"dynamodb:{operation}" for operation in OPERATIONS]): [
            str({"Fn::GetAtt": ["ChatTable", "Arn"]}),
            str({"Fn::Sub": "${ChatTable.Arn}/index/*"}),
        ],
    }


def test_table_matches_store(stack: Stack) -> None:
    table = stack.properties("ChatTable")
    wanted = create_table_input("")
    assert {name: table[name] for name in wanted if name != "TableName"} == {
        name: value for name, value in wanted.items() if name != "TableName"
    }
    assert table["TimeToLiveSpecification"] == time_to_live_input("")["TimeToLiveSpecification"]


@pytest.mark.parametrize("parameter", ["PointInTimeRecovery", "DeletionProtection"])
def test_parameters_protect_table(template: dict[str, Any], parameter: str) -> None:
    def said(value: str) -> tuple[object, object]:
        table = Stack(template, **{parameter: value}).properties("ChatTable")
        return table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], table[
            "DeletionProtectionEnabled"
        ]

    assert said("false") == ("false", "false")
    assert sorted(map(str, said("true"))) == ["false", "true"]


def test_role_has_no_managed_policy(stack: Stack) -> None:
    assert "ManagedPolicyArns" not in stack.properties("ChatRole")
    assert len(stack.of_type("AWS::IAM::Role")) == 1


def test_only_own_kms_key_is_allowed(template: dict[str, Any]) -> None:
    key = "arn:aws:kms:eu-central-1:123456789012:key/1f2e3d4c"
    assert statements(Stack(template, KmsKeyArn=key))["kms:Decrypt"] == [key]


def test_no_concurrency_is_reserved_by_default(stack: Stack) -> None:
    assert "ReservedConcurrentExecutions" not in stack.properties("ChatFunction")


def test_parameter_reserves_concurrency(template: dict[str, Any]) -> None:
    limited = Stack(template, ReservedConcurrency="5")
    assert limited.properties("ChatFunction")["ReservedConcurrentExecutions"] == "5"


BASE_PATHS = ["", "/chat", "/a/b.c", "/$default", "chat", "/", "/chat/", "//a", "/a//b", "/..", "/a b", "https://x/y"]


@pytest.mark.parametrize("path", BASE_PATHS)
def test_base_path_is_refused_by_or_none(template: dict[str, Any], path: str) -> None:
    pattern = template["Parameters"]["BasePath"]["AllowedPattern"]
    accepted = re.fullmatch(pattern, path) is not None
    assert accepted == (BASE_PATH.fullmatch(path) is not None) == is_taken("BASE_PATH", path)


def test_log_group_has_retention(stack: Stack) -> None:
    assert stack.properties("ChatFunction")["LoggingConfig"]["LogGroup"] == {"Ref": "ChatLogGroup"}
    assert stack.properties("ChatLogGroup")["RetentionInDays"] == 30


LIMIT = 4096  # bytes of all environment variables together (Lambda Developer Guide, "Lambda quotas")
LONGEST_NUMBER = 20
LONGEST_TABLE_NAME = 255  # DynamoDB Developer Guide, "Naming rules"
BYTES_PER_CHARACTER = {"INSTRUCTIONS": 2}  # everything else is ASCII


def settings_of_parameters(template: dict[str, Any]) -> dict[str, tuple[dict[str, Any], FieldInfo]]:
    """Returns the parameters that are settings: variable -> parameter and field."""
    environment = template["Resources"]["ChatFunction"]["Properties"]["Environment"]["Variables"]
    fields = {name.upper(): field for name, field in Settings.model_fields.items()}
    return {
        name: (template["Parameters"][value["Ref"]], fields[name])
        for name, value in environment.items()
        if isinstance(value, dict) and value["Ref"] in template["Parameters"] and name in fields
    }


def limits(field: FieldInfo) -> tuple[float | None, float | None]:
    """Returns minimum and maximum of a setting; None for no limit."""

    def limit(name: str) -> Any:
        return next((value for each in field.metadata if (value := getattr(each, name, None)) is not None), None)

    step = 1 if field.annotation is int else 0
    least = limit("ge") if limit("gt") is None else limit("gt") + step
    greatest = limit("le") if limit("lt") is None else limit("lt") - step
    return least, greatest


def is_taken(name: str, value: str) -> bool:
    try:
        Settings(_env_file=None, **{name.lower(): value})  # type: ignore[arg-type]  # as the environment gives it
    except ValidationError:
        return False
    return True


def test_numbers_of_stack_have_limits_of_settings(template: dict[str, Any]) -> None:
    numbers = {n: pair for n, pair in settings_of_parameters(template).items() if pair[1].annotation in (int, float)}
    assert len(numbers) > 6
    said = {name: (p["Type"], p.get("MinValue"), p.get("MaxValue")) for name, (p, _) in numbers.items()}
    assert said == {name: ("Number", *limits(field)) for name, (_, field) in numbers.items()}


def test_limits_of_stack_hold_for_settings(template: dict[str, Any]) -> None:
    for name, (parameter, _) in settings_of_parameters(template).items():
        for limit, beyond in ((parameter.get("MinValue"), -1), (parameter.get("MaxValue"), 1)):
            if limit is not None:
                assert is_taken(name, str(limit)), name
                assert not is_taken(name, str(limit + beyond)), name


def choices(field: FieldInfo) -> set[str]:
    if field.annotation is bool:
        return {"false", "true"}
    return set(get_args(field.annotation)) if get_origin(field.annotation) is Literal else set()


def test_choices_of_stack_are_those_of_settings(template: dict[str, Any]) -> None:
    pairs = settings_of_parameters(template)
    said = {name: set(parameter.get("AllowedValues", ())) for name, (parameter, _) in pairs.items()}
    assert said == {name: choices(field) for name, (_, field) in pairs.items()}
    assert any(said.values())


@pytest.mark.parametrize(
    "url",
    [
        *("", "https://api.openai.com/v1", "http://127.0.0.1:8001/v1/", "HTTP://HOST", "https://host/v1?a=b"),
        *("https://host/v1#a", "https://host /v1", "host/v1", "ftp://host", "https://", "https://höst", "https://h\no"),
    ],
)
def test_stack_takes_base_urls_that_settings_take(template: dict[str, Any], url: str) -> None:
    is_allowed = bool(re.fullmatch(template["Parameters"]["OpenAIBaseUrl"]["AllowedPattern"], url))
    assert is_allowed is (is_taken("OPENAI_BASE_URL", url) or url == "")


def longest_value(template: dict[str, Any], value: object) -> int:
    """Returns the maximum length of a variable's value."""
    match value:
        case {"Ref": "ChatTable"}:
            return LONGEST_TABLE_NAME
        case {"Ref": str(name)}:
            parameter = template["Parameters"][name]
            if "AllowedValues" in parameter:
                return max(len(choice) for choice in parameter["AllowedValues"])
            return LONGEST_NUMBER if parameter["Type"] == "Number" else int(parameter["MaxLength"])
    return len(str(value))


def test_variables_of_every_stack_fit_into_lambdas_limit(template: dict[str, Any]) -> None:
    environment = template["Resources"]["ChatFunction"]["Properties"]["Environment"]["Variables"]
    longest = {n: "x" * longest_value(template, v) * BYTES_PER_CHARACTER.get(n, 1) for n, v in environment.items()}
    assert len(json.dumps(longest, separators=(",", ":"))) <= LIMIT


def test_variables_match_settings(stack: Stack) -> None:
    settings = {name.upper() for name in Settings.model_fields}
    assert variables(stack).keys() == settings - NOT_ON_LAMBDA


def test_variables_have_defaults_of_settings(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    default = Settings(_env_file=None)
    for name, value in variables(stack).items():
        monkeypatch.setenv(name, value)
    # with a key, the settings do not read the Parameter Store
    configured = Settings(_env_file=None, openai_api_key="made-up")

    changed = {name.upper() for name, value in configured if value != getattr(default, name)}
    assert changed == DIFFERENT.keys() | {"OPENAI_API_KEY"}
    assert {name: variables(stack)[name] for name in DIFFERENT} == DIFFERENT
