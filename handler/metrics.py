"""Counts failures as a CloudWatch metric: one EMF document each, on stdout."""

from handler.reporting import Failure, OnFailure

SERVICE = "rivulet"


def failure_metric(namespace: str | None) -> OnFailure:
    """Count `Failures` by their stage in this namespace; without one count nothing."""

    def count(failure: Failure) -> None:
        if not namespace:
            return
        from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit  # noqa: PLC0415 - keeps it out of the start

        metrics = EphemeralMetrics(namespace=namespace, service=SERVICE)
        metrics.add_dimension("moment", failure.stage.value)
        metrics.add_metric("Failures", MetricUnit.Count, 1)
        metrics.add_metadata("error_type", failure.error_type)
        metrics.add_metadata("request_id", failure.request_id)
        metrics.flush_metrics()

    return count
