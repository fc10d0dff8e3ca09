"""The local server: what `make run` (`python -m infra.local`) and `fastapi dev` run.

In: the settings, from the environment and `.env`, and PORT. With OPENAI_API_KEY or OPENAI_BASE_URL the application is
the very one that is deployed; without either it talks to the stand-in for OpenAI, in a thread of this process, and the
terminal and the page say so. Out: HTTP on 127.0.0.1, with reload. What is wrong with the settings or the port is one
line on stderr and exit status 1.
"""

import functools
import logging
import os
import socket
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from app.main import create_app
from app.settings import ConfigurationError, load_settings
from infra.standin.server import StandIn

HOST = "127.0.0.1"
PORT = "8000"
LAST_PORT = 65535
ROOT = Path(__file__).parent.parent
DEMO = "demo answers: no API key. Set OPENAI_API_KEY in the environment or in .env for real ones."


def create_local_app() -> FastAPI:
    """The application with the settings of this process, or with the stand-in. Raises ConfigurationError."""
    # its lines show the query string, which holds the prompt on the tutorial's routes; the app logs each request itself
    logging.getLogger("uvicorn.access").disabled = True
    settings = load_settings()
    if settings.openai_api_key or settings.openai_base_url:
        return create_app(settings)
    print(DEMO, file=sys.stderr, flush=True)  # noqa: T201 - for the person at the terminal, whatever the log level
    standin = StandIn()
    standin.start()  # its thread is a daemon: it ends with the process
    return create_app(settings.model_copy(update={"openai_base_url": standin.base_url, "demo": True}))


@functools.cache
def _app() -> FastAPI:
    try:
        return create_local_app()
    except ConfigurationError as error:
        sys.exit(str(error))


def __getattr__(name: str) -> FastAPI:
    """`app`, built when it is first asked for: whoever watches for changes imports this module too, and needs none."""
    if name == "app":
        return _app()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def main() -> None:
    """Serves until SIGINT or SIGTERM."""
    uvicorn.run(
        "infra.local:app",
        host=HOST,
        port=free_port(os.environ.get("PORT") or PORT),
        reload=True,
        reload_dirs=[str(ROOT / name) for name in ("app", "handler", "infra")],
        timeout_graceful_shutdown=1,  # seconds that an answer which is still streaming may hold up a reload
    )


def free_port(port: str) -> int:
    """`port` as a number, checked before uvicorn tries; exits with a line that says what to do where it will not do."""
    try:
        return _listenable(port)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
    except ValueError as error:
        reason = str(error)
    sys.exit(f"cannot listen on {HOST}:{port}: {reason}. Choose another port: PORT=8001 make run")


def _listenable(port: str) -> int:
    if not port.isdecimal() or int(port) > LAST_PORT:
        raise ValueError("no port number")
    socket.create_server((HOST, int(port))).close()
    return int(port)


if __name__ == "__main__":
    main()
