"""The sentences for the end of a turn, and for an invalid message."""

from typing import Any

import pytest

from tests.web.modules import Modules

PROBLEM = {"detail": "The model failed.", "retry_after": None, "request_id": None}

OUTCOMES: list[tuple[dict[str, Any], str, str]] = [
    ({"status": "completed"}, "good", "The answer is complete."),
    (
        {"status": "completed", "usage": {"input_tokens": 12, "output_tokens": 0}},
        "good",
        "The answer is complete. Tokens: 12 in, 0 out.",
    ),
    (
        {"status": "completed", "usage": {"input_tokens": None, "output_tokens": 40}},
        "good",
        "The answer is complete. Tokens: 40 out.",
    ),
    ({"status": "completed", "usage": {"input_tokens": None}}, "good", "The answer is complete."),
    ({"status": "completed", "reason": "empty"}, "good", "The answer is complete, but it has no text."),
    ({"status": "incomplete"}, "note", "The answer is incomplete."),
    (
        {"status": "incomplete", "reason": "max_output_tokens"},
        "note",
        "The answer is incomplete: it reached the maximum length.",
    ),
    (
        {"status": "incomplete", "reason": "content_filter"},
        "note",
        "The answer is incomplete: a content filter stopped it.",
    ),
    (
        {"status": "incomplete", "reason": "deadline"},
        "note",
        "The answer is incomplete: the server ran out of time.",
    ),
    ({"status": "incomplete", "reason": "tired"}, "note", "The answer is incomplete. Reason: tired."),
    ({"status": "refused"}, "note", "The model refused to answer."),
    ({"status": "stopped"}, "note", "The answer was stopped."),
    (
        {"status": "stopped", "reason": "page"},
        "note",
        "You stopped the answer.",
    ),
    ({"status": "failed"}, "bad", "The answer failed."),
    ({"status": "failed", "error": PROBLEM}, "bad", "The model failed."),
    (
        {"status": "failed", "error": PROBLEM | {"request_id": "r-1"}},
        "bad",
        "The model failed. Reference: r-1.",
    ),
    ({"status": "interrupted"}, "bad", "The answer was interrupted on the server."),
    ({"status": "rejected", "error": PROBLEM}, "bad", "The model failed."),
    (
        {"status": "rejected", "error": PROBLEM | {"retry_after": 7}},
        "bad",
        "The model failed. Try again in 7 seconds.",
    ),
    (
        {"status": "rejected", "error": PROBLEM | {"retry_after": 1}},
        "bad",
        "The model failed. Try again in 1 second.",
    ),
    ({"status": "rejected", "error": PROBLEM | {"retry_after": 0}}, "bad", "The model failed."),
    (
        {"status": "unreachable"},
        "bad",
        "The server cannot be reached. Check the connection and send the message again.",
    ),
    ({"status": "cut"}, "bad", "The connection was lost before the answer was complete. Send the message again."),
    ({"status": "garbled"}, "bad", "The server sent an invalid answer. Reload the page and try again."),
    ({"status": "constructor"}, "bad", "The answer ended: constructor."),
]


@pytest.mark.parametrize(("end", "tone", "sentence"), OUTCOMES)
def test_end_has_sentence_and_tone(modules: Modules, end: dict[str, Any], tone: str, sentence: str) -> None:
    outcome = modules.call("outcome.js", "({ describe }, end) => describe(end)", {"type": "end"} | end)
    assert outcome == {"sentence": sentence, "tone": tone}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("hello", None),
        ("", "Write a message first."),
        (" \n\t\u00a0", "Write a message first."),
        ("x" * 10, None),
        ("x" * 11, "The message has 11 characters; at most 10 are allowed."),
        ("\U0001f30a" * 10, None),
        ("\U0001f30a" * 11, "The message has 11 characters; at most 10 are allowed."),
    ],
)
def test_message_validation_counts_code_points(modules: Modules, text: str, fault: str | None) -> None:
    assert modules.call("message.js", "({ faultOf }, text) => faultOf(text, 10)", text) == fault
