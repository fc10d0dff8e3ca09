"""If a stream is impossible, the loop answers in the form of the event's source."""

import base64

import pytest
from mangum.types import Send
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from tests.fakes.runtime_api import RuntimeApi
from tests.handler.apps import http, piece, start
from tests.handler.conftest import Serve
from tests.handler.events import function_url, load_balancer, rest_api, version_1


@pytest.mark.parametrize("variables", [{"RESPONSE_MODE": "buffered"}, {"AWS_SAM_LOCAL": "true"}])
@pytest.mark.parametrize("event", [function_url(), rest_api(), load_balancer()])
async def test_whole_response_is_one_json_object(
    api: RuntimeApi, serve: Serve, event: object, variables: dict[str, str]
) -> None:
    call = api.invoke(event)
    serve(StreamingResponse(iter(["a", "b"]), media_type="text/plain"), **variables)
    await call.end()
    assert (call.json["statusCode"], call.json["body"]) == (200, "ab")
    assert call.headers["content-type"] == "application/json"


async def test_load_balancer_gets_buffered_form(api: RuntimeApi, serve: Serve) -> None:
    call = api.invoke(load_balancer())
    serve(PlainTextResponse("text"))
    assert (await call.end()).json["body"] == "text"


async def test_binary_is_base64(api: RuntimeApi, serve: Serve) -> None:
    call = api.invoke(function_url())
    serve(Response(b"\x89PNG", media_type="image/png"), RESPONSE_MODE="buffered")
    assert base64.b64decode((await call.end()).json["body"]) == b"\x89PNG"


@pytest.mark.parametrize("event", [function_url(), rest_api(), version_1("/", stage="$default"), load_balancer()])
@pytest.mark.parametrize(
    "media_type",
    ["application/problem+json", "image/svg+xml", "application/ld+json", "application/x-ndjson", "text/event-stream"],
)
async def test_text_of_any_type_goes_as_text(api: RuntimeApi, serve: Serve, event: object, media_type: str) -> None:
    call = api.invoke(event)
    serve(Response('{"title": "Zürich"}', media_type=media_type), RESPONSE_MODE="buffered")
    await call.end()
    assert (call.json["isBase64Encoded"], call.json["body"]) == (False, '{"title": "Zürich"}')


@pytest.mark.parametrize("event", [function_url(), rest_api(), version_1("/", stage="$default"), load_balancer()])
@pytest.mark.parametrize("status", [200, 204, 304])
async def test_no_content_type_is_invented(api: RuntimeApi, serve: Serve, event: object, status: int) -> None:
    call = api.invoke(event)
    serve(Response(status_code=status, headers={"etag": '"x"'}), RESPONSE_MODE="buffered")
    await call.end()
    assert call.json["statusCode"] == status
    assert call.json["headers"]["etag"] == '"x"'
    assert "content-type" not in call.json["headers"] | call.json.get("multiValueHeaders", {})


async def test_failure_replaces_buffered_response(api: RuntimeApi, serve: Serve) -> None:
    @http
    async def app(send: Send) -> None:
        await start(send)
        await piece(send, b"half")
        raise ValueError("no")

    call = api.invoke(function_url())
    serve(app, RESPONSE_MODE="buffered")
    assert (await call.end()).resource == "error"
    assert call.json["errorMessage"] == "no"


async def test_oversized_response_is_refused(api: RuntimeApi, serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    api.invoke(function_url())
    serve(PlainTextResponse("x" * 7_000_000), RESPONSE_MODE="buffered")
    await api.polled(2)
    assert "6 MB" in caplog.text
