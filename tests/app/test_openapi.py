"""The OpenAPI document: every reference resolves, and
streams, problems and limits are described.

tests/thirdparty/test_schemathesis.py compares the application with the document.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.contract import End
from app.main import create_app
from app.store.cursor import PATTERN, Position, decode, encode
from tests.conftest import MakeSettings

Json = dict[str, Any]


@pytest.fixture(scope="module")
def document(make_settings: MakeSettings) -> Json:
    settings = make_settings(openai_models=("gpt-4.1",), max_message_chars=1000)
    document: Json = create_app(settings).openapi()
    return document


def nodes(node: Any) -> Iterator[Json]:
    """Yields each object in the document."""
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from nodes(child)


def operations(document: Json) -> dict[str, Json]:
    return {f"{method} {path}": item[method] for path, item in document["paths"].items() for method in item}


def test_every_reference_leads_somewhere(document: Json) -> None:
    names = {node["$ref"] for node in nodes(document) if "$ref" in node}
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert len(names) > 10
    assert names <= known


def test_each_operation_is_described_once(document: Json) -> None:
    found = operations(document)
    assert {name.split()[0] for name in found} == {"get", "post", "patch", "delete"}
    ids = [operation["operationId"] for operation in found.values()]
    assert len(set(ids)) == len(ids)


def test_each_operation_describes_its_problems(document: Json) -> None:
    for name, operation in operations(document).items():
        (schema,) = operation["responses"]["default"]["content"].values()
        assert schema == {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}, name


def test_streams_are_described_by_their_events(document: Json) -> None:
    streams = {
        name: content["text/event-stream"]
        for name, operation in operations(document).items()
        if "text/event-stream" in (content := operation["responses"].get("200", {}).get("content", {}))
    }
    assert streams.keys() == {"post /api/chat/stream", "get /api/turns/{turn_id}/stream", "get /chat-stream"}
    assert all(stream.keys() == {"itemSchema"} for stream in streams.values())
    kinds = streams["post /api/chat/stream"]["itemSchema"]["oneOf"]
    assert {kind["properties"]["event"]["const"] for kind in kinds} >= {"start", "text", End.event}


def test_the_limits_of_the_settings_are_described(document: Json) -> None:
    question = document["components"]["schemas"]["ChatRequest"]["properties"]
    assert question["model"]["enum"] == ["gpt-4o-mini", "gpt-4.1", None]
    assert question["message"].items() >= {"minLength": 1, "maxLength": 1000}.items()
    (message,) = document["paths"]["/chat-complete"]["get"]["parameters"]
    assert message["schema"].items() >= {"minLength": 1, "maxLength": 1000}.items()


@given(text=st.from_regex(PATTERN.replace("$", r"\Z"), fullmatch=True))
def test_what_is_described_as_a_cursor_is_one(text: str) -> None:
    assert encode(decode(text)) == text


@given(name=st.uuids(), updated_at=st.floats(2**30, 2**31, exclude_max=True))
def test_a_cursor_is_what_is_described(name: object, updated_at: float) -> None:
    assert re.fullmatch(PATTERN, encode(Position(updated_at, str(name))))
