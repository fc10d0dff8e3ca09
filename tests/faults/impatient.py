"""The application with a lease of 2 s, for processes that a test kills."""

from fastapi import FastAPI

from app.chat import lifecycle

LEASE = 2.0  # seconds


def create_app() -> FastAPI:
    """The factory for uvicorn."""
    lifecycle.LEASE = LEASE
    # other modules take the lease when they are imported
    from app.chat import log_writer  # noqa: PLC0415
    from app.main import create_app as create_patient_app  # noqa: PLC0415

    log_writer.RENEW_AFTER = 0.4 * LEASE
    return create_patient_app()
