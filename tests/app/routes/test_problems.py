"""Problems of the framework: what they show of a request or
an answer to the client and the log.
"""

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import BaseModel, ValidationError

from app.contract import ChatRequest, Rename
from app.middleware.body_limit import BodyLimitMiddleware
from app.middleware.error import ErrorMiddleware
from app.middleware.request import RequestMiddleware
from app.routes.problems import add_problem_handlers

SECRET = "my prompt"


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    add_problem_handlers(app)
    app.add_middleware(BodyLimitMiddleware, max_bytes=1000)
    app.add_middleware(ErrorMiddleware)
    app.add_middleware(RequestMiddleware)

    @app.get("/broken", response_model=dict[str, int])
    async def broken() -> object:
        return {"tokens": SECRET}

    @app.post("/rename")
    async def rename(body: Rename) -> str:
        return body.title

    return app


async def test_answer_of_wrong_shape_is_not_in_log(app: FastAPI, caplog: pytest.LogCaptureFixture) -> None:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://app") as client:
        response = await client.get("/broken")
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert "response.tokens: int_parsing" in caplog.text
    assert SECRET not in caplog.text + response.text


@pytest.mark.parametrize("model", [ChatRequest, Rename])
def test_error_of_body_does_not_hold_values(model: type[BaseModel]) -> None:
    with pytest.raises(ValidationError) as raised:
        model.model_validate({"message": [SECRET], "title": [SECRET], "turn_id": SECRET, "other": SECRET})
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("length", ["1001", "9" * 18, "9" * 5000])
async def test_a_length_beyond_the_limit_is_refused(app: FastAPI, length: str) -> None:
    headers = {"content-type": "application/json", "content-length": length}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://app") as client:
        response = await client.post("/rename", content=b"{}", headers=headers)
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
