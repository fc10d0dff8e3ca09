"""Questions that are answered: the text appears word by
word, and then the form is free again.
"""

from typing import Any

from playwright.sync_api import expect

from infra.standin.language import script
from infra.standin.server import StandIn
from tests.web.chat_page import ChatPage

CREATED = {"created": True}
COMPLETED = {"completed": True}


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return {"event": {"type": f"response.{kind}", **fields}}


def test_first_words_appear_during_answer(chat: ChatPage, standin: StandIn) -> None:
    chat.ask(script(CREATED, {"text": "First words, "}, {"gate": "last"}, {"text": "last words."}, COMPLETED))
    expect(chat.answer).to_have_text("First words,")
    expect(chat.status).to_have_text("Answering.")
    chat.expect_busy()
    standin.open_gate("last")
    expect(chat.answer).to_have_text("First words, last words.")
    expect(chat.status).to_contain_text("The answer is complete.")
    chat.expect_ready()


def test_question_is_answered(chat: ChatPage, standin: StandIn) -> None:
    chat.ask("What is a rivulet?")
    expect(chat.status).to_contain_text("The answer is complete. Tokens:")
    expect(chat.answer).not_to_be_empty()
    chat.expect_ready()
    assert len(standin.requests()) == 1


def test_page_shows_waiting_state(chat: ChatPage, standin: StandIn) -> None:
    question = script({"gate": "head"}, CREATED, COMPLETED)
    chat.ask(question)
    expect(chat.status).to_have_text("Waiting for the answer.")
    expect(chat.exchanges.locator(".question")).to_have_text(question)
    chat.expect_busy()
    standin.open_gate("head")
    chat.expect_ready()


def test_page_says_that_answer_has_no_text(chat: ChatPage) -> None:
    chat.ask(script(CREATED, {"completed": {"usage": None}}))
    expect(chat.status).to_have_text("The answer is complete, but it has no text.")
    expect(chat.input).to_have_value("")
    chat.expect_ready()


def test_hidden_window_has_whole_answer(chat: ChatPage) -> None:
    chat.page.evaluate("window.requestAnimationFrame = () => 0")  # as in a background tab
    chat.ask(script(CREATED, {"text": "One "}, {"text": "two."}, COMPLETED))
    expect(chat.answer).to_have_text("One two.")
    expect(chat.status).to_contain_text("The answer is complete.")
    chat.expect_ready()


def test_known_tokens_are_shown(chat: ChatPage) -> None:
    chat.ask(script(CREATED, {"text": "Yes."}, {"completed": {"usage": {"input_tokens": 12, "output_tokens": 2}}}))
    expect(chat.status).to_have_text("The answer is complete. Tokens: 12 in, 2 out.")


def test_unknown_tokens_are_not_shown(chat: ChatPage) -> None:
    chat.ask(script(CREATED, {"text": "Yes."}, {"completed": {"usage": None}}))
    expect(chat.status).to_have_text("The answer is complete.")


def test_split_characters_are_joined(chat: ChatPage) -> None:
    chat.ask(script({"split": 1}, CREATED, {"text": "Grüße, 流れる"}, {"text": " \U0001f30a!"}, COMPLETED))
    expect(chat.answer).to_have_text("Grüße, 流れる \U0001f30a!")


def test_line_breaks_and_spaces_survive(chat: ChatPage) -> None:
    text = "one\n\n  two\n\ttab  end"
    chat.ask(script(CREATED, *({"text": character} for character in text), COMPLETED))
    expect(chat.status).to_contain_text("complete")
    assert chat.answer.inner_text() == text


def test_markup_stays_text(chat: ChatPage) -> None:
    markup = "<img src=x onerror=alert(1)><b>bold</b><script>alert(2)</script>"
    chat.ask(script(CREATED, {"text": markup}, COMPLETED))
    expect(chat.answer).to_have_text(markup)
    expect(chat.exchanges.locator(".question")).to_contain_text(markup)
    expect(chat.exchanges.locator("img, b, script")).to_have_count(0)


def test_earlier_exchanges_keep_outcome(chat: ChatPage) -> None:
    chat.ask(script(CREATED, {"text": "One."}, {"completed": {"usage": None}}))
    expect(chat.status).to_have_text("The answer is complete.")
    chat.ask(script(CREATED, {"text": "Two."}, {"cut": True}))
    expect(chat.status).to_contain_text("cut off")
    first = chat.exchanges.first
    expect(first.locator(".answer")).to_have_text("One.")
    expect(first.locator(".outcome")).to_have_text("The answer is complete.")
    expect(first.locator(".outcome")).to_be_visible()


def test_answering_model_is_named(chat: ChatPage) -> None:
    chat.ask(script(CREATED, COMPLETED))
    expect(chat.exchanges.get_by_role("heading", name="gpt-4o-mini")).to_be_visible()


def test_reasoning_tools_and_sources_are_shown(chat: ChatPage) -> None:
    citation = {"type": "url_citation", "start_index": 0, "end_index": 3, "title": "Rivers"}
    chat.ask(
        script(
            CREATED,
            event("reasoning_summary_text.delta", delta="Thinking of water."),
            event("web_search_call.searching"),
            {"text": "Yes."},
            event("output_text.annotation.added", annotation=citation | {"url": "https://example.com/rivers"}),
            COMPLETED,
        )
    )
    chat.exchanges.get_by_text("Reasoning", exact=True).click()
    expect(chat.exchanges.get_by_text("Thinking of water.", exact=True)).to_be_visible()
    expect(chat.exchanges.get_by_text("web_search: searching")).to_be_visible()
    expect(chat.exchanges.get_by_role("link", name="Rivers")).to_have_attribute("href", "https://example.com/rivers")


def test_script_url_is_no_link(chat: ChatPage) -> None:
    citation = {"type": "url_citation", "start_index": 0, "end_index": 3, "title": "", "url": "javascript:alert(1)"}
    chat.ask(script(CREATED, event("output_text.annotation.added", annotation=citation), COMPLETED))
    expect(chat.exchanges.get_by_role("listitem")).to_have_text("javascript:alert(1)")
    expect(chat.exchanges.get_by_role("link")).to_have_count(0)


def test_screen_reader_announces_answer_once(chat: ChatPage, standin: StandIn) -> None:
    chat.ask(script(CREATED, {"text": "One "}, {"gate": "end"}, {"text": "two."}, COMPLETED))
    expect(chat.answer).to_have_text("One")
    expect(chat.answer).to_have_attribute("aria-live", "polite")
    expect(chat.answer).to_have_attribute("aria-busy", "true")
    standin.open_gate("end")
    expect(chat.answer).to_have_attribute("aria-busy", "false")
