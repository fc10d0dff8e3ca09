import pytest

from infra.standin.contract import CreateRequest
from infra.standin.demo import Pace, demo, markdown
from infra.standin.plays import Delay, Event
from infra.standin.responses import Answer, text_of


def steps(prompt: str, *, limit: int | None = None, pace: Pace) -> list[Delay | Event]:
    request = CreateRequest(model="m", input=prompt, max_output_tokens=limit)
    return [step for step in demo(Answer.to(request), pace) if isinstance(step, Delay | Event)]


def test_it_says_that_it_is_a_demo_answer() -> None:
    assert "This is a demo answer" in markdown("Hi")


def test_it_quotes_the_prompt_in_one_line() -> None:
    assert "\n> Why is the sky blue?\n" in markdown("Why is\n\n the sky blue?")


def test_it_quotes_a_long_prompt_briefly() -> None:
    quoted = markdown("x" * 10_000).split("\n> ")[1].split("\n")[0]
    assert len(quoted) == 160
    assert quoted.endswith("x…")


def test_braces_in_the_prompt_stay_as_they_are() -> None:
    assert "> {0} {prompt}" in markdown("{0} {prompt}")


@pytest.mark.parametrize(
    "sign", ["\n## ", "\n### ", "\n- ", "\n1. ", "\n   - ", "|--", "\n```", "\n> ", "](", "**", "🌊", "水", "\n---\n"]
)
def test_it_shows_everything_that_the_page_can_show(sign: str) -> None:
    assert sign in f"\n{markdown('Hi')}"


def test_it_varies_with_the_prompt() -> None:
    headings = {markdown(str(number)).splitlines()[0] for number in range(50)}
    assert len(headings) > 1


def test_the_same_prompt_has_the_same_answer() -> None:
    assert markdown("Hi") == markdown("Hi")


def test_it_waits_for_the_first_token_and_then_keeps_the_rate() -> None:
    delays = [step.delay for step in steps("Hi", pace=Pace(0.3, 50)) if isinstance(step, Delay)]
    assert delays[0] == 0.3
    assert set(delays[1:]) == {0.02}


def test_the_limit_cuts_the_answer_and_leaves_it_incomplete() -> None:
    events = [step.event for step in steps("Hi", limit=20, pace=Pace(0, 50)) if isinstance(step, Event)]
    said = text_of(events)
    assert markdown("Hi").startswith(said)
    assert sum(event["type"] == "response.output_text.delta" for event in events) == 20
    last = events[-1]
    assert last["type"] == "response.incomplete"
    assert isinstance(last["response"], dict)
    assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
