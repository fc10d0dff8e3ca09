"""The variables of the environment."""

import time

import pytest

from app.loading import load_settings
from app.settings import ConfigurationError, Settings
from handler.environment import Environment, LambdaContext
from handler.errors import InvalidEnvironmentError
from handler.protocol import Invocation


@pytest.mark.parametrize(
    ("variables", "buffered"),
    [
        ({}, False),
        ({"RESPONSE_MODE": ""}, False),
        ({"RESPONSE_MODE": "stream"}, False),
        ({"RESPONSE_MODE": "buffered"}, True),
        ({"RESPONSE_MODE": " buffered\n"}, True),
        ({"AWS_SAM_LOCAL": "true"}, True),
        ({"AWS_SAM_LOCAL": "false"}, False),
    ],
)
def test_environment_selects_response_form(variables: dict[str, str], *, buffered: bool) -> None:
    assert Environment.read(variables).buffered is buffered


SPELLINGS = ["true", "True", "TRUE", "1", "t", "yes", "Y", "on", "false", "False", "0", "f", "no", "N", "off"]
SPELLINGS += ["", " ", " true ", "0\n"]


@pytest.mark.parametrize("value", SPELLINGS)
def test_sam_local_is_what_the_settings_say(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("AWS_SAM_LOCAL", value)
    assert Environment.read({"AWS_SAM_LOCAL": value}).buffered is Settings(_env_file=None).aws_sam_local


@pytest.mark.parametrize("value", ["maybe", "2", "wahr", "-1"])
def test_invalid_sam_local_is_refused_by_both(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("AWS_SAM_LOCAL", value)
    with pytest.raises(InvalidEnvironmentError, match="AWS_SAM_LOCAL"):
        Environment.read({"AWS_SAM_LOCAL": value})
    with pytest.raises(ConfigurationError, match="AWS_SAM_LOCAL"):
        load_settings()


@pytest.mark.parametrize(
    "variables",
    [
        {"RESPONSE_MODE": "fast"},
        *({"BASE_PATH": path} for path in ("chat", "/", "/chat/", "//chat", "/a//b", "/..", "/a b", "/a?b", "/a\nb")),
        {"AWS_LAMBDA_MAX_CONCURRENCY": "many"},
        {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "-1"},
    ],
)
def test_invalid_variable_is_named(variables: dict[str, str]) -> None:
    with pytest.raises(InvalidEnvironmentError, match=next(iter(variables))):
        Environment.read(variables)


@pytest.mark.parametrize("path", ["", "/chat", "/a/b", "/$default", "/v1.2/a-b_c~"])
def test_a_base_path_is_empty_or_absolute(path: str) -> None:
    assert Environment.read({"BASE_PATH": path}).base_path == path


@pytest.mark.parametrize(("value", "expected"), [("", 1), ("0", 1), ("1", 1), ("10", 10)])
def test_concurrency_is_at_least_one(value: str, expected: int) -> None:
    assert Environment.read({"AWS_LAMBDA_MAX_CONCURRENCY": value}).concurrency == expected


def test_context_has_function_and_invocation() -> None:
    environment = Environment.read({"AWS_LAMBDA_FUNCTION_NAME": "chat", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512"})
    context = LambdaContext.of(Invocation("r1", deadline=time.time() + 10, function_arn="arn"), environment)
    assert (context.aws_request_id, context.invoked_function_arn) == ("r1", "arn")
    assert (context.function_name, context.memory_limit_in_mb) == ("chat", 512)
    assert 9_000 < context.get_remaining_time_in_millis() <= 10_000


def test_no_deadline_means_no_remaining_time() -> None:
    assert LambdaContext.of(Invocation("r1"), Environment()).get_remaining_time_in_millis() == 0
