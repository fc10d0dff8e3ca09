"""The real SDK, typed, over a socket: it must read what the
real API would have sent.
"""

import openai as sdk
import pytest
from openai import AsyncOpenAI
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from infra.standin.demo import markdown
from infra.standin.language import script
from infra.standin.server import StandIn

EVENT: TypeAdapter[ResponseStreamEvent] = TypeAdapter(ResponseStreamEvent)


async def events_of(client: AsyncOpenAI, message: str, **options: int) -> list[ResponseStreamEvent]:
    stream = await client.responses.create(model="gpt-4o-mini", input=message, stream=True, **options)  # type: ignore[call-overload]  # options are its own
    async with stream:
        return [event async for event in stream]


async def test_streamed_answer_has_documented_events(openai: AsyncOpenAI) -> None:
    kinds = [event.type for event in await events_of(openai, "Hi")]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert set(kinds[4:-4]) == {"response.output_text.delta"}
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]


async def test_event_numbers_have_no_gap(openai: AsyncOpenAI) -> None:
    events = await events_of(openai, "Hi")
    assert [event.sequence_number for event in events] == list(range(len(events)))


@pytest.mark.parametrize("options", [{}, {"max_output_tokens": 16}])
async def test_events_have_fields_of_sdk(openai: AsyncOpenAI, options: dict[str, int]) -> None:
    for event in await events_of(openai, "Hi", **options):
        # the SDK does not validate its objects: a missing field fails here
        EVENT.validate_json(event.to_json(), strict=True)


async def test_deltas_join_to_response_text(openai: AsyncOpenAI) -> None:
    events = await events_of(openai, "Hi")
    last = events[-1]
    assert last.type == "response.completed"
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == markdown("Hi")
    assert last.response.output_text == markdown("Hi")


async def test_usage_counts_tokens(openai: AsyncOpenAI) -> None:
    events = await events_of(openai, "Hi there")
    last = events[-1]
    assert last.type == "response.completed"
    assert last.response.usage is not None
    deltas = sum(event.type == "response.output_text.delta" for event in events)
    assert last.response.usage.input_tokens == 2
    assert last.response.usage.output_tokens == deltas
    assert last.response.usage.total_tokens == deltas + 2


async def test_unstreamed_answer_is_one_response(openai: AsyncOpenAI) -> None:
    response = await openai.responses.create(model="gpt-4o-mini", input="Hi", instructions="Be brief.", store=False)
    Response.model_validate_json(response.to_json(), strict=True)
    assert response.status == "completed"
    assert response.output_text == markdown("Hi")
    assert (response.model, response.instructions) == ("gpt-4o-mini", "Be brief.")
    assert response._request_id is not None  # noqa: SLF001 - public according to the SDK, despite its name


async def test_limit_makes_answer_incomplete(openai: AsyncOpenAI) -> None:
    response = await openai.responses.create(model="gpt-4o-mini", input="Hi", max_output_tokens=16)
    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"
    assert response.usage is not None
    assert response.usage.output_tokens == 16


async def test_short_forms_are_api_events(openai: AsyncOpenAI) -> None:
    message = script({"created": True}, {"text": "a"}, {"text": "水"}, {"completed": {"model": "other"}})
    events = await events_of(openai, message)
    for event in events:
        EVENT.validate_json(event.to_json(), strict=True)
    assert [event.sequence_number for event in events] == [0, 1, 2, 3]
    last = events[-1]
    assert last.type == "response.completed"
    assert (last.response.output_text, last.response.model) == ("a水", "other")


async def test_sdk_helper_reads_stream(openai: AsyncOpenAI) -> None:
    async with openai.responses.stream(model="gpt-4o-mini", input="Hi") as stream:
        final = await stream.get_final_response()
    assert final.output_text == markdown("Hi")


async def test_unstreamed_script_is_one_response(openai: AsyncOpenAI) -> None:
    response = await openai.responses.create(model="m", input=script({"text": "a"}, {"text": "b"}))
    assert (response.status, response.output_text) == ("completed", "ab")


async def test_end_of_script_decides_response(openai: AsyncOpenAI) -> None:
    failed = {"type": "response.failed", "response": {"status": "failed", "error": {"code": "server_error"}}}
    response = await openai.responses.create(model="m", input=script({"text": "a"}, {"event": failed}))
    assert response.status == "failed"
    assert response.error is not None
    assert response.error.code == "server_error"


async def test_cut_breaks_body(openai: AsyncOpenAI) -> None:
    with pytest.raises(sdk.APIConnectionError):
        await events_of(openai, script({"text": "a"}, {"cut": True}))


async def test_models_are_listed(openai: AsyncOpenAI) -> None:
    assert "gpt-4o-mini" in [model.id async for model in openai.models.list()]


async def test_status_becomes_sdk_error(openai: AsyncOpenAI) -> None:
    message = script({"status": 429, "headers": {"retry-after": "7"}})
    with pytest.raises(sdk.RateLimitError) as caught:
        await openai.responses.create(model="m", input=message)
    assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.code == "rate_limit_exceeded"


async def test_sdk_succeeds_after_limited_status(standin: StandIn) -> None:
    message = script({"status": 500, "headers": {"retry-after-ms": "1"}, "times": 2}, {"text": "a"})
    async with AsyncOpenAI(api_key="key", base_url=standin.base_url, max_retries=2) as client:
        response = await client.responses.create(model="m", input=message)
    assert response.output_text == "a"
    assert len(standin.requests()) == 3
