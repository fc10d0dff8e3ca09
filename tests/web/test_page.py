"""The page around the chat: its configuration, its layout, and what it may load."""

import pytest
from playwright.sync_api import expect
from starlette.applications import Starlette
from starlette.routing import Mount

from app.main import create_app
from infra.standin.language import script
from infra.standin.server import StandIn
from tests.conftest import MakeSettings
from tests.fakes.server import serving
from tests.web.chat_page import ChatPage
from tests.web.conftest import LONG_NAME, OpenPage

CREATED = {"created": True}
COMPLETED = {"completed": True}
LONG = "\n".join(f"line {number}" for number in range(200))


def below(chat: ChatPage) -> float:
    """Returns the pixels of the answers below the visible part."""
    pixels: float = chat.page.get_by_role("main").evaluate(
        "({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight"
    )
    return pixels


def test_demo_answers_are_announced(open_page: OpenPage, demo_site: str) -> None:
    expect(open_page(demo_site).page.get_by_text("demo answers: no API key")).to_be_visible()


def test_single_model_shows_no_choice(chat: ChatPage) -> None:
    chat.ask(script(CREATED, {"text": "Yes."}, COMPLETED))
    expect(chat.answer).to_have_text("Yes.")
    expect(chat.page.get_by_text("demo answers: no API key")).to_be_hidden()
    expect(chat.model).to_be_hidden()


def test_default_model_is_selected(open_page: OpenPage, demo_site: str) -> None:
    chat = open_page(demo_site)
    expect(chat.model).to_have_value("gpt-4o-mini")
    expect(chat.model.get_by_role("option")).to_have_text(["gpt-4o-mini", LONG_NAME])


def test_chosen_model_answers(open_page: OpenPage, demo_site: str, standin: StandIn) -> None:
    chat = open_page(demo_site)
    chat.model.select_option(LONG_NAME)
    chat.ask(script(CREATED, {"text": "Yes."}, COMPLETED))
    expect(chat.exchanges.get_by_role("heading", name=LONG_NAME)).to_be_visible()
    body = standin.requests()[0].body
    assert isinstance(body, dict)
    assert body["model"] == LONG_NAME


def test_page_works_below_stage(open_page: OpenPage, make_settings: MakeSettings) -> None:
    with serving(Starlette(routes=[Mount("/Prod", create_app(make_settings()))])) as url:
        chat = open_page(f"{url}/Prod/")
        chat.ask(script(CREATED, {"text": "Yes."}, COMPLETED))
        expect(chat.answer).to_have_text("Yes.")


@pytest.mark.parametrize("width", [320, 360])
def test_narrow_window_needs_no_sideways_scroll(open_page: OpenPage, demo_site: str, width: int) -> None:
    chat = open_page(demo_site, viewport={"width": width, "height": 640})
    chat.ask(script(CREATED, {"text": "W" * 200}, {"gate": "end"}, COMPLETED))
    expect(chat.answer).to_have_text("W" * 200)
    for part in (chat.page.locator("html"), chat.page.get_by_role("main")):
        assert part.evaluate("(part) => part.scrollWidth") == width
    for control in (chat.input, chat.model, chat.stop, chat.send):
        expect(control).to_be_in_viewport(ratio=1)


def test_theme_follows_system(open_page: OpenPage, site: str) -> None:
    page = "getComputedStyle(document.body).backgroundColor"
    colours = {scheme: open_page(site, color_scheme=scheme).page.evaluate(page) for scheme in ("light", "dark")}
    assert colours == {"light": "rgb(251, 250, 248)", "dark": "rgb(20, 25, 27)"}


def test_view_follows_at_end(chat: ChatPage, standin: StandIn) -> None:
    chat.ask(script(CREATED, {"text": LONG}, {"gate": "more"}, {"text": LONG}, {"text": "\nend"}, COMPLETED))
    expect(chat.answer).to_contain_text("line 199")
    standin.open_gate("more")
    expect(chat.status).to_contain_text("complete")
    assert below(chat) < 1


def test_view_stays_when_scrolled_up(chat: ChatPage, standin: StandIn) -> None:
    chat.ask(script(CREATED, {"text": LONG}, {"gate": "more"}, {"text": LONG}, {"text": "\nend"}, COMPLETED))
    expect(chat.answer).to_contain_text("line 199")
    chat.page.get_by_role("main").evaluate("(main) => main.scrollTo(0, 100)")
    standin.open_gate("more")
    expect(chat.status).to_contain_text("complete")
    assert chat.page.get_by_role("main").evaluate("(main) => main.scrollTop") == 100


def test_controls_and_regions_are_labelled(open_page: OpenPage, demo_site: str) -> None:
    expect(open_page(demo_site).page.locator("body")).to_match_aria_snapshot(
        """
        - banner:
          - heading "Rivulet" [level=1]
          - paragraph: "demo answers: no API key"
        - main "Questions and answers":
          - paragraph: Each message is answered alone, without the ones before it.
        - region "Compose":
          - status
          - text: Message
          - textbox "Message"
          - text: Model
          - combobox "Model"
          - button "Send"
        """
    )


def test_page_loads_only_own_files(chat: ChatPage, site: str) -> None:
    chat.ask(script(CREATED, {"text": "Yes."}, COMPLETED))
    expect(chat.answer).to_have_text("Yes.")
    assert not [request.url for request in chat.requests if not request.url.startswith(site)]


def test_injected_script_does_not_run(chat: ChatPage) -> None:
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
