import pytest

from infra.standin.contract import CreateRequest
from infra.standin.demo import Timing, demo, markdown
from infra.standin.language import Delay, Event
from infra.standin.responses import Answer, text_of


def steps(prompt: str, *, limit: int | None = None, timing: Timing) -> list[Delay | Event]:
    request = CreateRequest(model="m", input=prompt, max_output_tokens=limit)
    return [step for step in demo(Answer.to(request), timing) if isinstance(step, Delay | Event)]


def test_answer_names_itself_demo() -> None:
    assert "This is a demo answer" in markdown("Hi")


def test_prompt_is_quoted_in_one_line() -> None:
    assert "\n> Why is the sky blue?\n" in markdown("Why is\n\n the sky blue?")


def test_long_prompt_is_shortened() -> None:
    quoted = markdown("x" * 10_000).split("\n> ")[1].split("\n")[0]
    assert len(quoted) == 160
    assert quoted.endswith("x…")


def test_braces_in_prompt_survive() -> None:
    assert "> {0} {prompt}" in markdown("{0} {prompt}")


@pytest.mark.parametrize(
    "sign", ["\n## ", "\n### ", "\n- ", "\n1. ", "\n   - ", "|--", "\n```", "\n> ", "](", "**", "🌊", "水", "\n---\n"]
)
def test_answer_shows_all_page_features(sign: str) -> None:
    assert sign in f"\n{markdown('Hi')}"


def test_answer_varies_with_prompt() -> None:
    headings = {markdown(str(number)).splitlines()[0] for number in range(50)}
    assert len(headings) > 1


def test_same_prompt_gets_same_answer() -> None:
    assert markdown("Hi") == markdown("Hi")


def test_timing_has_first_token_and_rate() -> None:
    delays = [step.delay for step in steps("Hi", timing=Timing(0.3, 50)) if isinstance(step, Delay)]
    assert delays[0] == 0.3
    assert set(delays[1:]) == {0.02}


def test_token_limit_makes_answer_incomplete() -> None:
    events = [step.event for step in steps("Hi", limit=20, timing=Timing(0, 50)) if isinstance(step, Event)]
    said = text_of(events)
    assert markdown("Hi").startswith(said)
    assert sum(event["type"] == "response.output_text.delta" for event in events) == 20
    last = events[-1]
    assert last["type"] == "response.incomplete"
    assert isinstance(last["response"], dict)
    assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
