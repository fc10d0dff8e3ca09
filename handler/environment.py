"""The variables that the handler reads, once, and the context object for Mangum.

Source: AWS Lambda Developer Guide, "Defined runtime environment variables".
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from mangum.types import LambdaCognitoIdentity, LambdaMobileClientContext
from pydantic import TypeAdapter, ValidationError

from handler.errors import InvalidEnvironmentError
from handler.prefix import BASE_PATH
from handler.protocol import Invocation

MODES = ("stream", "buffered")


@dataclass(frozen=True, slots=True)
class Environment:
    """The execution environment of the handler."""

    buffered: bool = False  # whether no response is streamed
    concurrency: int = 1  # maximum number of concurrent invocations in this process
    base_path: str = ""  # a path prefix that no event names
    snap_start: bool = False  # whether a snapshot is taken after the start
    function_name: str = ""
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 0
    log_group_name: str = ""
    log_stream_name: str = ""

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Self:
        """Reads the variables.

        Raises InvalidEnvironmentError, which names the variable.
        """
        mode = variables.get("RESPONSE_MODE", "").strip() or "stream"
        if mode not in MODES:
            raise InvalidEnvironmentError(f"RESPONSE_MODE must be one of {', '.join(MODES)}")
        base_path = variables.get("BASE_PATH", "").strip()
        if not BASE_PATH.fullmatch(base_path):
            raise InvalidEnvironmentError("BASE_PATH must be empty, or like /x or /x/y without a slash at its end")
        return cls(
            base_path=base_path,
            buffered=mode == "buffered" or _true(variables, "AWS_SAM_LOCAL"),
            concurrency=_positive(variables, "AWS_LAMBDA_MAX_CONCURRENCY") or 1,
            snap_start=variables.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start",
            function_name=variables.get("AWS_LAMBDA_FUNCTION_NAME", ""),
            function_version=variables.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            memory_limit_in_mb=_positive(variables, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
            log_group_name=variables.get("AWS_LAMBDA_LOG_GROUP_NAME", ""),
            log_stream_name=variables.get("AWS_LAMBDA_LOG_STREAM_NAME", ""),
        )


def _true(variables: Mapping[str, str], name: str) -> bool:
    """Returns the boolean in a variable, by pydantic's table; False if it is blank."""
    value = variables.get(name, "").strip()
    try:
        return bool(value) and TypeAdapter(bool).validate_python(value)
    except ValidationError:
        raise InvalidEnvironmentError(f"{name} must be true or false") from None


def _positive(variables: Mapping[str, str], name: str) -> int:
    """Returns the number in a variable; 0 if it is missing or empty."""
    value = variables.get(name) or "0"
    if not value.isdecimal():
        raise InvalidEnvironmentError(f"{name} must be a number")
    return int(value)


@dataclass(slots=True)  # not frozen: Mangum's protocol requires plain attributes
class LambdaContext:
    """The context object of AWS's Python client, as `scope["aws.context"]`."""

    aws_request_id: str
    invoked_function_arn: str
    function_name: str
    function_version: str
    memory_limit_in_mb: int
    log_group_name: str
    log_stream_name: str
    deadline: float | None
    tenant_id: str | None = None
    # only direct invocations have these two, and they are not HTTP requests
    identity: LambdaCognitoIdentity | None = None
    client_context: LambdaMobileClientContext | None = None

    @classmethod
    def of(cls, invocation: Invocation, environment: Environment) -> Self:
        return cls(
            aws_request_id=invocation.request_id,
            invoked_function_arn=invocation.function_arn or "",
            function_name=environment.function_name,
            function_version=environment.function_version,
            memory_limit_in_mb=environment.memory_limit_in_mb,
            log_group_name=environment.log_group_name,
            log_stream_name=environment.log_stream_name,
            deadline=invocation.deadline,
            tenant_id=invocation.tenant_id,
        )

    def get_remaining_time_in_millis(self) -> int:
        """Returns the milliseconds to the deadline; 0 if
        there is none, or none left.
        """
        return max(0, int(((self.deadline or 0) - time.time()) * 1000))
