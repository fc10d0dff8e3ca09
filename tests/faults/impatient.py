"""The application with a short lease, for processes that a test kills: nobody should wait for 10 s then."""

from fastapi import FastAPI

from app.chat import log_reader

LEASE = 2.0  # seconds


def create_app() -> FastAPI:
    """The factory that uvicorn is told of."""
    log_reader.LEASE = LEASE
    from app.chat import producer  # noqa: PLC0415 - it takes the lease over as it is when it is imported
    from app.main import create_app as create_patient_app  # noqa: PLC0415 - this imports it

    producer.RENEW_AFTER = 0.4 * LEASE
    return create_patient_app()
