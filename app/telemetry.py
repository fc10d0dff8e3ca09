"""Logs and metrics: JSON and EMF for CloudWatch by Powertools, or lines for people. Prompts and answers never occur.

Modules log through `logging.getLogger("rivulet....")`. `request_fields` holds what belongs to the request in hand;
its entries are on every line that is logged meanwhile, whoever logs it.
"""

import logging
import sys
from contextvars import ContextVar
from typing import Any

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from app.chat.report import TurnReport
from app.settings import Settings

SERVICE = "rivulet"
request_fields: ContextVar[dict[str, Any]] = ContextVar("request_fields")
log = logging.getLogger("rivulet.turn")


class RequestFieldsFilter(logging.Filter):
    """Adds the fields of the request in hand to a record."""

    def filter(self, record: logging.LogRecord) -> bool:
        for name, value in request_fields.get({}).items():
            record.__dict__.setdefault(name, value)
        record.__dict__.pop("taskName", None)  # Python 3.12's own name for the asyncio task tells nobody anything
        return True


class TextFormatter(logging.Formatter):
    """One readable line: time, level, message, then the record's extra fields as name=value."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")
        self._own = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        extra = (f" {key}={value}" for key, value in vars(record).items() if key not in self._own and value is not None)
        return super().formatMessage(record) + "".join(extra)


class OurHandler(logging.StreamHandler[Any]):
    """The one handler that `configure_logging` puts on the root logger; known by its class when done again."""


def configure_logging(settings: Settings) -> None:
    """LOG_LEVEL is for our own loggers. Libraries are heard from WARNING on: below it they log prompts and secrets."""
    handler = OurHandler(sys.stdout)
    json = settings.log_format == "json"
    handler.setFormatter(LambdaPowertoolsFormatter(service=SERVICE) if json else TextFormatter())
    handler.addFilter(RequestFieldsFilter())
    root = logging.getLogger()
    root.handlers = [old for old in root.handlers if not isinstance(old, OurHandler)] + [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("rivulet").setLevel(settings.log_level)


class Telemetry:
    """Reports turns: onto the request's log line, and as metrics where METRICS_NAMESPACE names a place for them."""

    def __init__(self, settings: Settings) -> None:
        self._namespace = settings.metrics_namespace

    def turn_ended(self, report: TurnReport) -> None:
        """One turn is over. Its metrics go out in one EMF document, by model and outcome."""
        fields = {
            "outcome": report.outcome,
            "code": report.code,
            "model": report.model,
            "first_token_ms": None if report.first_token is None else round(report.first_token * 1000),
            "turn_ms": round(report.duration * 1000),
            "input_tokens": report.usage and report.usage.input_tokens,
            "output_tokens": report.usage and report.usage.output_tokens,
        }
        request_fields.get({}).update({name: value for name, value in fields.items() if value is not None})
        if self._namespace:
            self._emit(report, fields)

    def _emit(self, report: TurnReport, fields: dict[str, Any]) -> None:
        metrics = EphemeralMetrics(namespace=self._namespace, service=SERVICE)
        metrics.add_dimension("model", report.model)
        metrics.add_dimension("outcome", report.outcome)
        metrics.add_metric("Turns", MetricUnit.Count, 1)
        for name, unit, field in (
            ("TimeToFirstToken", MetricUnit.Milliseconds, "first_token_ms"),
            ("Duration", MetricUnit.Milliseconds, "turn_ms"),
            ("InputTokens", MetricUnit.Count, "input_tokens"),
            ("OutputTokens", MetricUnit.Count, "output_tokens"),
        ):
            if fields[field] is not None:
                metrics.add_metric(name, unit, fields[field])
        for name, value in request_fields.get({}).items():
            if name in ("request_id", "trace_id"):
                metrics.add_metadata(name, value)
        metrics.flush_metrics()
