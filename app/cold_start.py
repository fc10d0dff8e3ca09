"""Serves the page's files at once, and builds the application when it is needed.

Most of a cold start is the import of FastAPI and openai, and the page needs neither.
`ColdStartApp` serves the page's files itself and passes all other requests on to the
application. The first request that needs the application builds it. If the first
request of all is for the page's document, the application is built after its response
and before the call returns: a host on Lambda waits for that. No other file causes a
build. A host may build the application without a request by `warm_up`, a function in
the lifespan's state.

`create_cold_start_app` raises ConfigurationError if the settings are wrong. If a later
build fails, the request gets the problem of an unhandled exception. After a file's
response the exception is raised, for the host to log. The next request tries again.

Source of the protocol: ASGI, "Lifespan Protocol" 2.0.
"""

import asyncio
import gc
import logging
import time
from collections.abc import Callable
from contextvars import Context
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from app.files import METHODS, WEB, File, Files
from app.loading import load_settings
from app.logs import configure_logging
from app.middleware.error import ErrorMiddleware
from app.middleware.headers import HeadersMiddleware
from app.middleware.request import RequestMiddleware
from app.network import check_network
from app.settings import Settings
from app.store.opening import check_store

log = logging.getLogger("rivulet.cold_start")


class LazyApp:
    """An application that is built in a thread when it is first
    needed, and runs until it is closed.

    One task runs its lifespan. The task outlives the first request and has none of that
    request's context variables.
    """

    def __init__(self, build: Callable[[], Starlette]) -> None:
        self._build = build
        self._ready: asyncio.Future[Starlette] | None = None
        self._life: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    async def wait_ready(self) -> Starlette:
        """Returns the started application.

        Raises the error of its start; the next call tries again.
        """
        if self._ready is None or (self._ready.done() and self._ready.exception()):
            self._ready = asyncio.get_running_loop().create_future()
            # runs in the requesting context, so the log line has that request's id even
            # after a disconnect
            self._ready.add_done_callback(partial(_log_ready, time.monotonic()))
            self._life = asyncio.create_task(self._live(self._ready), context=Context())
        return await asyncio.shield(self._ready)

    async def close(self) -> None:
        """Waits until the application has shut down.

        Raises the error of its shutdown.
        """
        self._closing.set()
        if self._life is not None:
            await self._life

    async def _live(self, ready: "asyncio.Future[Starlette]") -> None:
        try:
            app = await asyncio.to_thread(self._build)
            gc.freeze()  # without it a collection scans all imported objects: 0.1 s without a token
            async with app.router.lifespan_context(app):
                ready.set_result(app)
                await self._closing.wait()
        except Exception as error:
            if ready.done():
                raise
            ready.set_exception(error)


def _log_ready(began: float, ready: "asyncio.Future[Starlette]") -> None:
    if ready.exception() is None:
        log.info("the application is ready", extra={"duration_ms": round((time.monotonic() - began) * 1000)})


class ColdStartApp:
    """Serves the files of `directory`; passes all other requests
    to the application that `build` makes.
    """

    def __init__(self, directory: Path, build: Callable[[], Starlette]) -> None:
        self._files = Files(directory)
        self._page_app = RequestMiddleware(ErrorMiddleware(HeadersMiddleware(self._files)))
        self._lazy = LazyApp(build)
        self._is_first = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            scope.get("state", {})["warm_up"] = self._lazy.wait_ready
            await self._lifespan(receive, send)
            return
        is_first, self._is_first = self._is_first, False
        if file := self._file(scope):
            await self._page_app(scope, receive, send)
            if is_first and file.is_document:
                await self._lazy.wait_ready()
        else:
            app = await self._application()
            await app(scope, receive, send)

    async def _application(self) -> ASGIApp:
        try:
            return await self._lazy.wait_ready()
        except Exception as error:  # noqa: BLE001 - the stand-in raises it again, with a log line and an answer
            return _failing(error)

    def _file(self, scope: Scope) -> File | None:
        return self._files.find(scope) if scope.get("method") in METHODS else None

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._lazy.close()
        await send({"type": "lifespan.shutdown.complete"})


def _failing(error: Exception) -> ASGIApp:
    """Returns a stand-in for an application that could not
    be built: it raises the error.
    """

    async def app(*_: object) -> None:
        raise error

    return RequestMiddleware(ErrorMiddleware(app))


def create_cold_start_app(settings: Settings | None = None) -> ColdStartApp:
    """Returns the whole application; settings as for `create_app`.

    Raises ConfigurationError.
    """
    settings = settings or load_settings()
    configure_logging(settings)
    check_network(settings)
    check_store(settings)

    def build() -> Starlette:
        from app.main import create_app  # noqa: PLC0415 - FastAPI and openai come with it

        return create_app(settings)

    return ColdStartApp(WEB, build)
