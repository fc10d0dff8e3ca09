"""Errors of the store as Problems, with one log line each."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from app.problems import StoreFailed, StoreRefused
from app.store import StoreRefusedError, StoreUnavailableError

logger = logging.getLogger("rivulet.turns")


@contextmanager
def store_problems() -> Iterator[None]:
    """Logs an error of the store, and raises StoreFailed or
    StoreRefused in its place.
    """
    try:
        yield
    except StoreRefusedError as error:
        logger.error("the store refused: %s", error)  # noqa: TRY400 - its text names the cause
        raise StoreRefused from error
    except StoreUnavailableError as error:
        logger.warning("the store is unavailable: %s", error)
        raise StoreFailed from error
