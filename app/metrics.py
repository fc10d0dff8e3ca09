"""A turn's report: fields on its request's log line, and
metrics in EMF for CloudWatch by Powertools.
"""

from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from app.chat.report import TurnReport
from app.logs import SERVICE, request_fields
from app.settings import Settings


class TurnMetrics:
    """The metrics of turns in the namespace METRICS_NAMESPACE; none without one."""

    def __init__(self, settings: Settings) -> None:
        self._namespace = settings.metrics_namespace

    def turn_ended(self, report: TurnReport) -> None:
        """Adds the turn to its request's log line, and writes one EMF document.

        It runs in the producer's task, whose context is a copy of the request's, and so
        has the same dictionary of fields.
        """
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
