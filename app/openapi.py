"""The OpenAPI document: FastAPI's, completed.

FastAPI cannot describe the shape of problems, the events of the streams (OpenAPI 3.2,
4.14.4), the limits of the settings on a question, and the form of a cursor.
"""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.contract import EVENTS, ProblemDetails
from app.settings import Settings
from app.store.cursor import PATTERN

VERSION = "3.2.0"  # the first version that describes streams
STREAM = "text/event-stream"
TUTORIAL_STREAM = "/chat-stream"
Json = dict[str, Any]


def add_openapi(app: FastAPI, settings: Settings) -> None:
    """Makes `app.openapi()` return the whole document, and
    serves it if OPENAPI_DOCS is set.

    `/docs` is the document as well: a page that renders it would run third parties'
    scripts on the origin of the chat.
    """
    generate = app.openapi
    app.openapi_version = VERSION

    def openapi() -> Json:
        if app.openapi_schema is None:
            complete(generate(), settings)
        return generate()  # FastAPI returns the same document again

    async def document(request: Request) -> Response:
        root = request.scope.get("root_path", "")
        return JSONResponse({**app.openapi(), "servers": [{"url": root or "/"}]})

    app.openapi = openapi  # type: ignore[method-assign] # as FastAPI documents it
    if settings.openapi_docs:
        app.add_route("/openapi.json", document, include_in_schema=False)
        app.add_route("/docs", document, include_in_schema=False)


def complete(document: Json, settings: Settings) -> None:
    """Completes FastAPI's document."""
    schemas = document["components"]["schemas"]
    models: tuple[type[BaseModel], ...] = (ProblemDetails, *EVENTS.values())
    _, ours = models_json_schema(
        [(model, "serialization") for model in models], ref_template="#/components/schemas/{model}"
    )
    schemas.update(ours["$defs"])
    _limit(schemas["ChatRequest"], settings)
    for path, content in _contents(document):
        if STREAM in content:
            content[STREAM] = {"itemSchema": TUTORIAL_FRAME if path == TUTORIAL_STREAM else FRAME}
    for path in ("/chat-complete", TUTORIAL_STREAM):
        _parameter(document, path)["maxLength"] = settings.max_message_chars
    _parameter(document, "/api/conversations")["anyOf"][0]["pattern"] = PATTERN


def _limit(request: Json, settings: Settings) -> None:
    """Adds the limits of `app.chat.question.check` to the schema."""
    fields = request["properties"]
    fields["message"]["maxLength"] = settings.max_message_chars
    fields["model"] = {"enum": [*settings.allowed_models, None]}
    fields["instructions"]["anyOf"][0]["maxLength"] = settings.max_message_chars
    request["dependentSchemas"] = {
        "parent_turn_id": {
            "anyOf": [
                {"properties": {"parent_turn_id": {"type": "null"}}},
                {"properties": {"conversation_id": {"type": "string"}}, "required": ["conversation_id"]},
            ]
        }
    }


def _parameter(document: Json, path: str) -> Json:
    """Returns the schema of the one parameter of GET on this path."""
    (parameter,) = document["paths"][path]["get"]["parameters"]
    schema: Json = parameter["schema"]
    return schema


def _contents(document: Json) -> Iterator[tuple[str, Json]]:
    """Yields each path with the content of its responses."""
    for path, item in document["paths"].items():
        for operation in item.values():
            for response in operation["responses"].values():
                yield path, response.get("content", {})


def _frame(event: Json, data: Json, *required: str) -> Json:
    properties = {"id": {"type": "string", "pattern": "^[0-9a-f-]{36}:[0-9]+$"}, "event": event, "data": data}
    return {"type": "object", "properties": properties, "required": ["data", *required]}


def _json(model: str) -> Json:
    schema = {"$ref": f"#/components/schemas/{model}"}
    return {"type": "string", "contentMediaType": "application/json", "contentSchema": schema}


FRAME = {"oneOf": [_frame({"const": kind.event}, _json(kind.__name__), "id", "event") for kind in EVENTS.values()]}
TUTORIAL_FRAME = _frame({"enum": ["start", "message", "end"]}, {"type": "string"})
