"""The request of `POST /v1/responses`, and OpenAI's error object for an invalid one.

`CreateRequest.parse` takes the bytes of a body. It raises `ApiError` with the API's
status, param and code. Only the parameters that the stand-in uses or repeats are
declared; others are ignored.
"""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from pydantic_core import ErrorDetails, from_json

JsonObject = dict[str, JsonValue]

MIN_OUTPUT_TOKENS = 16  # below it the API responds with 400, integer_below_min_value


class ApiError(Exception):
    """An HTTP status with OpenAI's error object."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: JsonObject = {
            "error": {"message": message, "type": kind, "param": param, "code": code},
        }


class CreateRequest(BaseModel):
    """The body of `POST /v1/responses`; unused fields are
    repeated in the Response object.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    model: str
    input: str | list[JsonObject]
    stream: bool | None = None
    instructions: str | None = None
    max_output_tokens: int | None = Field(None, ge=MIN_OUTPUT_TOKENS)
    metadata: JsonObject | None = None
    parallel_tool_calls: bool | None = True
    previous_response_id: str | None = None
    safety_identifier: str | None = Field(None, max_length=128)
    store: bool | None = True
    temperature: float | None = 1.0
    tool_choice: JsonValue = "auto"
    tools: list[JsonObject] | None = []
    top_p: float | None = 1.0

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Reads a body. Raises ApiError 400 if it is not JSON or not a request."""
        try:
            return cls.model_validate(from_json(body, allow_inf_nan=False))
        except ValidationError as exc:
            raise _mistake(exc.errors()[0]) from exc
        except ValueError as exc:
            raise ApiError(400, f"The body is not JSON: {exc}.") from exc

    @property
    def prompt(self) -> str:
        """The text of the last user message; empty if there is none."""
        if isinstance(self.input, str):
            return self.input
        return next((_text(item) for item in reversed(self.input) if item.get("role") == "user"), "")


def _text(item: JsonObject) -> str:
    """Returns the text of a message item, whose content is
    a string or a list of parts.
    """
    content = item.get("content")
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        return "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


_CODES = {
    "missing": "missing_required_parameter",
    "greater_than_equal": "integer_below_min_value",
    "string_too_long": "string_above_max_length",
}


def _mistake(error: ErrorDetails) -> ApiError:
    """Returns pydantic's first error with OpenAI's code for it."""
    param = str(error["loc"][0]) if error["loc"] else None
    code = _CODES.get(error["type"], "invalid_type")
    return ApiError(400, f"Parameter {param!r}: {error['msg']}.", param=param, code=code)
