"""The form: its keys, messages that are not sent, and that none is sent twice."""

import pytest
from playwright.sync_api import expect

from infra.standin.language import script
from infra.standin.server import StandIn
from tests.web.chat_page import ChatPage

ANSWER = script({"created": True}, {"text": "Yes."}, {"completed": True})
HELD = script({"created": True}, {"text": "Yes"}, {"gate": "held"}, {"completed": True})


def test_button_sends(chat: ChatPage) -> None:
    chat.input.fill(ANSWER)
    chat.send.click()
    expect(chat.answer).to_have_text("Yes.")
    chat.expect_ready()


def test_shift_enter_inserts_line_break(chat: ChatPage) -> None:
    chat.input.fill("one")
    chat.input.press("Shift+Enter")
    chat.input.press_sequentially("two")
    expect(chat.input).to_have_value("one\ntwo")
    expect(chat.exchanges).to_have_count(0)


@pytest.mark.parametrize("sign", [{"isComposing": True}, {"keyCode": 229}])
def test_enter_during_composition_does_not_send(chat: ChatPage, sign: dict[str, object]) -> None:
    chat.input.fill("流れ")
    chat.input.dispatch_event("keydown", {"key": "Enter", "cancelable": True, **sign})
    expect(chat.exchanges).to_have_count(0)  # a sent message would be here already


def test_held_enter_sends_once(chat: ChatPage) -> None:
    chat.input.fill(script({"status": 500}))
    chat.page.keyboard.down("Enter")
    chat.expect_ready()
    expect(chat.status).to_have_attribute("data-tone", "bad")
    chat.page.keyboard.down("Enter")  # the key repeats while the message is still there
    chat.page.keyboard.up("Enter")
    expect(chat.exchanges).to_have_count(1)


@pytest.mark.parametrize("blank", ["", "  \n "])
def test_blank_message_is_not_sent(chat: ChatPage, blank: str) -> None:
    chat.ask(blank)
    expect(chat.status).to_have_text("Write a message first.")
    expect(chat.exchanges).to_have_count(0)
    chat.expect_ready()
    assert chat.questions_sent() == 0


def test_long_message_is_reported_while_typing(chat: ChatPage) -> None:
    chat.input.fill("x" * 10_001)
    expect(chat.status).to_have_text("The message has 10001 characters; at most 10000 are allowed.")
    expect(chat.input).to_have_attribute("aria-invalid", "true")


def test_long_message_is_not_sent(chat: ChatPage) -> None:
    chat.input.fill("x" * 10_001)
    expect(chat.input).to_have_attribute("aria-invalid", "true")
    chat.input.press("Enter")
    expect(chat.exchanges).to_have_count(0)
    chat.input.fill(ANSWER)
    expect(chat.status).to_be_empty()
    expect(chat.input).to_have_attribute("aria-invalid", "false")
    chat.input.press("Enter")
    expect(chat.answer).to_have_text("Yes.")


def test_no_message_is_sent_during_answer(chat: ChatPage) -> None:
    chat.ask(HELD)
    expect(chat.answer).to_have_text("Yes")
    chat.ask("Another one")
    chat.page.evaluate("document.querySelector('form').requestSubmit()")
    expect(chat.exchanges).to_have_count(1)
    assert chat.questions_sent() == 1


def test_double_submit_sends_once(chat: ChatPage) -> None:
    chat.input.fill(HELD)
    chat.page.evaluate("[1, 2].forEach(() => document.querySelector('form').requestSubmit())")
    expect(chat.answer).to_have_text("Yes")
    expect(chat.exchanges).to_have_count(1)
    assert chat.questions_sent() == 1


def test_next_message_can_be_typed_during_answer(chat: ChatPage, standin: StandIn) -> None:
    chat.ask(HELD)
    expect(chat.answer).to_have_text("Yes")
    chat.input.fill("And then?")
    standin.open_gate("held")
    chat.expect_ready()
    expect(chat.input).to_have_value("And then?")


def test_message_is_only_in_request_body(chat: ChatPage, site: str) -> None:
    chat.ask(script({"created": True}, {"text": "secret"}, {"completed": True}))
    expect(chat.answer).to_have_text("secret")
    chat.expect_ready()
    assert not [request.url for request in chat.requests if "secret" in request.url]
    assert chat.page.url == site
    assert chat.page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
    assert chat.noise == []
