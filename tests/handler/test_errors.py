"""The reports of failures."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handler.errors import ErrorReport, UnsupportedEventError, error_type


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:  # noqa: BLE001 - the subject is any exception, with its traceback
        return caught


def test_exception_reports_class_message_and_stack() -> None:
    report = json.loads(ErrorReport.of(raised(ValueError("no such thing"))).to_json())
    assert (report["errorType"], report["errorMessage"]) == ("ValueError", "no such thing")
    assert report["stackTrace"][0].startswith('  File "')
    assert "raise error" in report["stackTrace"][0]


def test_handler_error_reports_its_type() -> None:
    report = ErrorReport.of(UnsupportedEventError())
    assert (report.type, report.name) == ("Function.UnsupportedEvent", "Function.UnsupportedEvent")


def test_group_of_one_reports_its_exception() -> None:
    group = ExceptionGroup("outer", [ExceptionGroup("inner", [KeyError("x")])])
    assert ErrorReport.of(group).type == "Function.KeyError"


def test_group_of_many_reports_group() -> None:
    assert ErrorReport.of(ExceptionGroup("both", [KeyError("x"), ValueError("y")])).type == "Function.ExceptionGroup"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ValueError", "Function.ValueError"),
        ("_Http2Error", "Function.HttpError"),
        ("error", "Function.Error"),
        ("Überlauf", "Function.Berlauf"),
        ("E", "Function.Unknown"),
        ("_1", "Function.Unknown"),
    ],
)
def test_class_name_becomes_valid_type(name: str, expected: str) -> None:
    assert error_type(type(name, (Exception,), {})()) == expected


@settings(deadline=None)  # the machine may be busy
@given(st.from_regex(r"\A[^\W\d]\w{0,20}\Z"))
def test_any_class_name_becomes_valid_type(name: str) -> None:
    assert re.fullmatch(r"(Runtime|Function)\.[A-Z][a-zA-Z]+", error_type(type(name, (Exception,), {})()))


def test_x_ray_cause_has_frames() -> None:
    cause = json.loads(ErrorReport.of(raised(ValueError("no such thing"))).to_xray())
    [exception] = cause["exceptions"]
    assert (exception["type"], exception["message"]) == ("ValueError", "no such thing")
    assert exception["stack"][0]["label"] == "raised"
    assert exception["stack"][0]["line"] > 0
    assert cause["paths"] == [__file__]


@settings(deadline=None)  # the machine may be busy
@given(st.text(max_size=100_000))
def test_x_ray_cause_fits_into_header(message: str) -> None:
    cause = ErrorReport("Function.E", "E", message).to_xray()
    assert len(cause) < 16 * 1024
    assert cause.isascii()
    assert cause.decode().isprintable()


def test_deep_stack_keeps_innermost_frames() -> None:
    def even(depth: int) -> None:  # two functions, because Python folds the frames of a single one
        if depth == 0:
            raise ValueError("bottom")
        odd(depth - 1)

    def odd(depth: int) -> None:
        even(depth - 1)

    with pytest.raises(ValueError, match="bottom") as caught:
        even(200)
    report = ErrorReport.of(caught.value)
    assert len(report.stack_trace) == 32
    assert "bottom" in report.stack_trace[-1]


@settings(deadline=None)  # the machine may be busy
@given(st.text(max_size=300), st.lists(st.text(max_size=200), max_size=20))
def test_shortened_report_fits(message: str, frames: list[str]) -> None:
    report = ErrorReport("Function.E", "E", message, tuple(frames)).within(400)
    assert len(report.to_json()) <= 400
    assert message.startswith(report.message)
    assert list(report.stack_trace) == frames[len(frames) - len(report.stack_trace) :]


def test_fitting_report_is_unchanged() -> None:
    report = ErrorReport("Function.E", "E", "message", ("frame",))
    assert report.within(400) == report
