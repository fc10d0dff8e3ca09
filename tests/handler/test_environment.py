"""What is read from the environment."""

import time

import pytest

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
        ({"AWS_SAM_LOCAL": "true"}, True),
        ({"AWS_SAM_LOCAL": "false"}, False),
    ],
)
def test_the_form_of_responses_is_chosen_by_the_environment(variables: dict[str, str], *, buffered: bool) -> None:
    assert Environment.read(variables).buffered is buffered


@pytest.mark.parametrize(
    "variables",
    [{"RESPONSE_MODE": "fast"}, {"AWS_LAMBDA_MAX_CONCURRENCY": "many"}, {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "-1"}],
)
def test_a_variable_that_makes_no_sense_is_named(variables: dict[str, str]) -> None:
    with pytest.raises(InvalidEnvironmentError, match=next(iter(variables))):
        Environment.read(variables)


@pytest.mark.parametrize(("value", "expected"), [("", 1), ("0", 1), ("1", 1), ("10", 10)])
def test_there_is_at_least_one_poller(value: str, expected: int) -> None:
    assert Environment.read({"AWS_LAMBDA_MAX_CONCURRENCY": value}).concurrency == expected


def test_the_context_object_tells_function_and_invocation() -> None:
    environment = Environment.read({"AWS_LAMBDA_FUNCTION_NAME": "chat", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512"})
    context = LambdaContext.of(Invocation("r1", deadline=time.time() + 10, function_arn="arn"), environment)
    assert (context.aws_request_id, context.invoked_function_arn) == ("r1", "arn")
    assert (context.function_name, context.memory_limit_in_mb) == ("chat", 512)
    assert 9_000 < context.get_remaining_time_in_millis() <= 10_000


def test_without_a_deadline_no_time_remains() -> None:
    assert LambdaContext.of(Invocation("r1"), Environment()).get_remaining_time_in_millis() == 0
