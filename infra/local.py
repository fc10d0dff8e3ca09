"""The local server of `make run` (`python -m infra.local`) and `fastapi dev`.

It reads the settings from the environment and `.env`, and PORT. With OPENAI_API_KEY or
OPENAI_BASE_URL the application is the deployed one. Without either it uses the stand-in
for OpenAI in a thread of this process, and the terminal and the page show that. It
serves HTTP on 127.0.0.1 and reloads on changes; a reload interrupts running turns. A
wrong setting or port is one line on stderr and exit status 1.
"""

import functools
import logging
import os
import socket
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from app.loading import load_settings
from app.main import create_app
from app.settings import ENV_FILE, ConfigurationError
from app.store.opening import check_store
from infra.reloader import Reloader
from infra.signals import at_exit_signal
from infra.standin.server import StandIn

HOST = "127.0.0.1"
PORT = "8000"
LAST_PORT = 65535
ROOT = Path(__file__).parent.parent
CONNECTIONS = 100  # far below the 256 files that macOS lets a process open
DEMO = "demo answers: no API key. Set OPENAI_API_KEY in the environment or in .env for real ones."
READABLE = f"{ENV_FILE} can be read by other users of this machine: chmod 600 {ENV_FILE}"


def create_local_app() -> FastAPI:
    """Returns the application, perhaps with the stand-in. Raises ConfigurationError."""
    # Its lines show the query string, which has the prompt on the tutorial's routes.
    # The app logs each request itself.
    logging.getLogger("uvicorn.access").disabled = True
    settings = load_settings()
    if is_readable_by_others(ENV_FILE):
        _print(READABLE)
    if not (settings.openai_api_key or settings.openai_base_url):
        _print(DEMO)
        standin = StandIn()
        standin.start()  # its thread is a daemon: it ends with the process
        settings = settings.model_copy(update={"openai_base_url": standin.base_url, "demo": True})
    return _interruptible(create_app(settings))


def is_readable_by_others(file: Path) -> bool:
    """Whether group or others can read the file, by its mode.

    Windows has no such modes.
    """
    return os.name == "posix" and file.is_file() and bool(file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def _interruptible(app: FastAPI) -> FastAPI:
    """Makes the app interrupt its turns before its server waits for open responses."""
    lifespan = app.router.lifespan_context

    @asynccontextmanager
    async def interruptible(_: object) -> AsyncIterator[None]:
        async with lifespan(app):
            with at_exit_signal(app.state.interrupt_turns):
                yield

    app.router.lifespan_context = interruptible
    return app


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - for the terminal, at any log level


@functools.cache
def _app() -> FastAPI:
    try:
        return create_local_app()
    except ConfigurationError as error:
        sys.exit(str(error))


def __getattr__(name: str) -> FastAPI:
    """Builds `app` at its first use: the process that watches
    for changes imports this module, too.
    """
    if name == "app":
        return _app()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def main() -> None:
    """Serves until SIGINT or SIGTERM."""
    port = free_port(os.environ.get("PORT") or PORT)
    _check_settings()
    config = uvicorn.Config(
        "infra.local:app",
        host=HOST,
        port=port,
        http="h11",  # httptools loses the body of a request with an h2c upgrade, and sends chunks to HTTP/1.0
        limit_concurrency=CONNECTIONS,
        reload=True,
        reload_dirs=[str(ROOT / name) for name in ("app", "handler", "infra")],
        timeout_graceful_shutdown=3,  # seconds that an open response may delay a reload
    )
    reloader = Reloader(config, target=uvicorn.Server(config).run, sockets=[config.bind_socket()])
    reloader.run()
    sys.exit(1 if reloader.failed else 0)


def _check_settings() -> None:
    """Exits with an error line if a setting is wrong, before anything is started."""
    try:
        check_store(load_settings())
    except ConfigurationError as error:
        sys.exit(str(error))


def free_port(port: str) -> int:
    """Returns `port` as a number. Exits with an error line if it cannot be used."""
    try:
        return _listenable(port)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
    except ValueError as error:
        reason = str(error)
    sys.exit(f"cannot listen on {HOST}:{port}: {reason}. Choose another port: PORT=8001 make run")


def _listenable(port: str) -> int:
    if not port.isdecimal() or int(port) > LAST_PORT:
        raise ValueError("not a port number")
    socket.create_server((HOST, int(port))).close()
    return int(port)


if __name__ == "__main__":
    main()
