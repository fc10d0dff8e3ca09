"""Questions without an answer or with a part of it: the outcome
is shown, and the form is free again.
"""

from typing import Any

import pytest
from playwright.sync_api import Route, expect

from infra.standin.language import script
from infra.standin.server import StandIn
from tests.web.chat_page import STREAM, ChatPage
from tests.web.conftest import OpenPage

CREATED = {"created": True}
COMPLETED = {"completed": True}
START = b'event: start\ndata: {"turn_id": "1", "model": "m"}\n\n'
TEXT = b'event: text\ndata: {"delta": "Half an"}\n\n'


def stream_of(chat: ChatPage, **response: Any) -> None:
    """Lets the page's questions get this response, which the app never sends."""

    def answer(route: Route) -> None:
        route.fulfill(**response)

    chat.page.route(f"**/{STREAM}", answer)


def test_rate_limit_shows_wait(chat: ChatPage) -> None:
    chat.ask(script({"status": 429, "headers": {"retry-after": "7"}}))
    expect(chat.status).to_contain_text("The model's rate limit is reached.")
    expect(chat.status).to_contain_text("Try again in 7 seconds.")
    chat.expect_ready()


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_early_failure_keeps_message(chat: ChatPage, status: int) -> None:
    question = script({"status": status, "times": 1}, CREATED, {"text": "Now."}, COMPLETED)
    chat.ask(question)
    expect(chat.status).to_have_attribute("data-tone", "bad")
    chat.expect_ready()
    expect(chat.input).to_have_value(question)
    chat.input.press("Enter")
    expect(chat.answer).to_have_text("Now.")
    expect(chat.input).to_have_value("")
    chat.expect_ready()


def test_late_failure_keeps_partial_answer(chat: ChatPage) -> None:
    chat.ask(script(CREATED, {"text": "Half an"}, {"cut": True}))
    expect(chat.status).to_contain_text("The answer was cut off before its end.")
    expect(chat.answer).to_have_text("Half an")
    expect(chat.input).to_have_value("")
    chat.expect_ready()


def test_failure_before_first_word_keeps_message(chat: ChatPage) -> None:
    question = script(CREATED, {"cut": True})
    chat.ask(question)
    expect(chat.status).to_contain_text("The answer was cut off before its end.")
    expect(chat.input).to_have_value(question)
    chat.expect_ready()


def test_refusal_is_shown(chat: ChatPage) -> None:
    refusal = {"event": {"type": "response.refusal.delta", "delta": "I'd rather not."}}
    chat.ask(script(CREATED, refusal, {"completed": {"usage": None}}))
    expect(chat.answer).to_have_text("I'd rather not.")
    expect(chat.status).to_have_text("The model refused to answer.")
    chat.expect_ready()


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [("max_output_tokens", "it reached the maximum length"), ("content_filter", "a content filter stopped it")],
)
def test_incomplete_answer_has_reason(chat: ChatPage, reason: str, sentence: str) -> None:
    response = {"status": "incomplete", "incomplete_details": {"reason": reason}}
    chat.ask(script(CREATED, {"text": "A lot"}, {"event": {"type": "response.incomplete", "response": response}}))
    expect(chat.status).to_contain_text(f"The answer is incomplete: {sentence}.")
    expect(chat.answer).to_have_text("A lot")
    chat.expect_ready()


def test_stop_keeps_partial_answer(chat: ChatPage, standin: StandIn) -> None:
    chat.ask(script(CREATED, {"text": "Half an"}, {"gate": "never"}, {"text": " answer"}, COMPLETED))
    expect(chat.answer).to_have_text("Half an")
    chat.stop.click()
    expect(chat.status).to_contain_text("You stopped the answer.")
    expect(chat.answer).to_have_text("Half an")
    chat.expect_ready()
    assert standin.wait_ended().state == "closed"  # the page stops the turn, which would otherwise continue


def test_stop_before_answer_keeps_message(chat: ChatPage, standin: StandIn) -> None:
    question = script({"gate": "never"}, CREATED, COMPLETED)
    chat.ask(question)
    standin.wait_received()
    chat.stop.click()
    expect(chat.status).to_contain_text("You stopped the answer.")
    expect(chat.input).to_have_value(question)
    chat.expect_ready()
    assert standin.wait_ended().state == "closed"


def test_offline_message_is_kept(chat: ChatPage) -> None:
    expect(chat.send).to_be_enabled()
    chat.page.context.set_offline(True)
    chat.ask("Are you there?")
    expect(chat.status).to_contain_text("The server cannot be reached.")
    expect(chat.input).to_have_value("Are you there?")
    chat.expect_ready()
    assert chat.questions_sent() == 1


def test_cut_stream_is_not_repeated(chat: ChatPage) -> None:
    stream_of(chat, body=START + TEXT, content_type="text/event-stream")
    chat.ask("Half?")
    expect(chat.status).to_have_text("The connection was lost before the answer was complete. Send the message again.")
    expect(chat.answer).to_have_text("Half an")
    chat.expect_ready()
    assert chat.questions_sent() == 1


def test_error_of_proxy_is_shown(chat: ChatPage) -> None:
    stream_of(chat, status=504, body="<h1>Timeout</h1>", content_type="text/html", headers={"retry-after": "2"})
    chat.ask("Anyone?")
    expect(chat.status).to_have_text("The server took too long to answer. Try again in 2 seconds.")
    chat.expect_ready()


def test_foreign_response_is_refused(chat: ChatPage) -> None:
    stream_of(chat, status=200, body="<h1>Sign in to this network</h1>", content_type="text/html")
    chat.ask("Anyone?")
    expect(chat.status).to_have_text("The server sent an invalid answer. Reload the page and try again.")
    chat.expect_ready()


def test_missing_config_does_not_block_questions(open_page: OpenPage, site: str) -> None:
    chat = open_page("about:blank")
    chat.page.route("**/api/config", lambda route: route.fulfill(status=200, body="<html>"))
    chat.open(site)
    chat.ask(script(CREATED, {"text": "Yes."}, COMPLETED))
    expect(chat.answer).to_have_text("Yes.")
    chat.expect_ready()
