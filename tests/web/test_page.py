"""The page around question and answer: what the server tells it, how it fits the window, and what it may load."""

import pytest
from playwright.sync_api import expect
from starlette.applications import Starlette
from starlette.routing import Mount

from app.main import create_app
from infra.standin.plays import play
from infra.standin.server import StandIn
from tests.conftest import MakeSettings
from tests.fakes.server import serving
from tests.web.chat_page import ChatPage
from tests.web.conftest import LONG_NAME, OpenPage

CREATED = {"created": True}
COMPLETED = {"completed": True}
LONG = "\n".join(f"line {number}" for number in range(200))


def below(chat: ChatPage) -> float:
    """How many pixels of the answers lie below what can be seen."""
    pixels: float = chat.page.get_by_role("main").evaluate(
        "({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight"
    )
    return pixels


def test_made_up_answers_are_announced(open_page: OpenPage, demo_site: str) -> None:
    expect(open_page(demo_site).page.get_by_text("demo answers: no API key")).to_be_visible()


def test_with_a_key_and_one_model_there_is_neither_notice_nor_choice(chat: ChatPage) -> None:
    chat.ask(play(CREATED, {"text": "Yes."}, COMPLETED))
    expect(chat.answer).to_have_text("Yes.")
    expect(chat.page.get_by_text("demo answers: no API key")).to_be_hidden()
    expect(chat.model).to_be_hidden()


def test_of_two_models_the_default_one_is_chosen(open_page: OpenPage, demo_site: str) -> None:
    chat = open_page(demo_site)
    expect(chat.model).to_have_value("gpt-4o-mini")
    expect(chat.model.get_by_role("option")).to_have_text(["gpt-4o-mini", LONG_NAME])


def test_the_chosen_model_answers(open_page: OpenPage, demo_site: str, standin: StandIn) -> None:
    chat = open_page(demo_site)
    chat.model.select_option(LONG_NAME)
    chat.ask(play(CREATED, {"text": "Yes."}, COMPLETED))
    expect(chat.exchanges.get_by_role("heading", name=LONG_NAME)).to_be_visible()
    body = standin.requests()[0].body
    assert isinstance(body, dict)
    assert body["model"] == LONG_NAME


def test_the_page_works_below_the_prefix_of_a_stage(open_page: OpenPage, make_settings: MakeSettings) -> None:
    with serving(Starlette(routes=[Mount("/Prod", create_app(make_settings()))])) as url:
        chat = open_page(f"{url}/Prod/")
        chat.ask(play(CREATED, {"text": "Yes."}, COMPLETED))
        expect(chat.answer).to_have_text("Yes.")


@pytest.mark.parametrize("width", [320, 360])
def test_a_narrow_window_shows_everything_without_scrolling_sideways(
    open_page: OpenPage, demo_site: str, width: int
) -> None:
    chat = open_page(demo_site, viewport={"width": width, "height": 640})
    chat.ask(play(CREATED, {"text": "W" * 200}, {"gate": "end"}, COMPLETED))
    expect(chat.answer).to_have_text("W" * 200)
    for part in (chat.page.locator("html"), chat.page.get_by_role("main")):
        assert part.evaluate("(part) => part.scrollWidth") == width
    for control in (chat.input, chat.model, chat.stop, chat.send):
        expect(control).to_be_in_viewport(ratio=1)


def test_light_and_dark_follow_the_system(open_page: OpenPage, site: str) -> None:
    page = "getComputedStyle(document.body).backgroundColor"
    colours = {scheme: open_page(site, color_scheme=scheme).page.evaluate(page) for scheme in ("light", "dark")}
    assert colours == {"light": "rgb(251, 250, 248)", "dark": "rgb(20, 25, 27)"}


def test_a_reader_at_the_end_is_kept_there(chat: ChatPage, standin: StandIn) -> None:
    chat.ask(play(CREATED, {"text": LONG}, {"gate": "more"}, {"text": LONG}, {"text": "\nend"}, COMPLETED))
    expect(chat.answer).to_contain_text("line 199")
    standin.open_gate("more")
    expect(chat.status).to_contain_text("complete")
    assert below(chat) < 1


def test_a_reader_who_has_scrolled_up_is_left_there(chat: ChatPage, standin: StandIn) -> None:
    chat.ask(play(CREATED, {"text": LONG}, {"gate": "more"}, {"text": LONG}, {"text": "\nend"}, COMPLETED))
    expect(chat.answer).to_contain_text("line 199")
    chat.page.get_by_role("main").evaluate("(main) => main.scrollTo(0, 100)")
    standin.open_gate("more")
    expect(chat.status).to_contain_text("complete")
    assert chat.page.get_by_role("main").evaluate("(main) => main.scrollTop") == 100


def test_every_control_has_a_name_and_every_part_a_role(open_page: OpenPage, demo_site: str) -> None:
    expect(open_page(demo_site).page.locator("body")).to_match_aria_snapshot(
        """
        - banner:
          - heading "Rivulet" [level=1]
          - paragraph: "demo answers: no API key"
        - main "Questions and answers":
          - paragraph: Each message is answered by itself; the ones before it are not sent along.
        - region "Compose":
          - status
          - text: Message
          - textbox "Message"
          - text: Model
          - combobox "Model"
          - button "Send"
        """
    )


def test_the_page_loads_nothing_from_elsewhere(chat: ChatPage, site: str) -> None:
    chat.ask(play(CREATED, {"text": "Yes."}, COMPLETED))
    expect(chat.answer).to_have_text("Yes.")
    assert not [request.url for request in chat.requests if not request.url.startswith(site)]


def test_a_script_that_is_written_into_the_page_does_not_run(chat: ChatPage) -> None:
    with chat.page.expect_console_message(lambda message: "Content Security Policy" in message.text):
        chat.page.evaluate(
            """() => {
              const script = document.createElement("script");
              script.textContent = "document.title = 'taken over'";
              document.body.append(script);
            }"""
        )
    expect(chat.page).to_have_title("Rivulet")
    chat.noise.clear()
