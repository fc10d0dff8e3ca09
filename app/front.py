"""The page's files at once, and the application behind them when it is needed.

Most of a cold start is the import of FastAPI and openai, and the page needs neither. `Front` answers for the page's
files itself, just as the application would, and passes everything else on to the application. That is built by the
first request that needs it, or at the end of the first that does not: once its response is complete, and before it
returns, which a host on Lambda waits for. What is wrong with the settings is wrong at once: `create_front` raises
ConfigurationError. A host that has a moment to spare may have the application built without a request: the lifespan's
state has a function for that, `warm_up`.

Source of the protocol: ASGI, "Lifespan Protocol" 2.0.
"""

import asyncio
import gc
import logging
import time
from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from app.logs import configure_logging
from app.middleware import HeadersMiddleware, RequestMiddleware
from app.settings import Settings, load_settings
from app.store.opening import check_store

WEB = Path(__file__).parent / "web"
log = logging.getLogger("rivulet.front")


class Late:
    """An application that is built when it is first asked for, in a thread, and lives until it is closed.

    One task takes it from startup to shutdown, whoever asked for it and whatever became of that request.
    """

    def __init__(self, build: Callable[[], Starlette]) -> None:
        self._build = build
        self._ready: asyncio.Future[Starlette] | None = None
        self._life: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    async def ready(self) -> Starlette:
        """The application, started. Raises what kept it from that; whoever asks next has it tried again."""
        if self._ready is None or (self._ready.done() and self._ready.exception()):
            self._ready = asyncio.get_running_loop().create_future()
            self._life = asyncio.create_task(self._live(self._ready))
        return await asyncio.shield(self._ready)

    async def close(self) -> None:
        """Returns when the application has shut down. Raises what its shutdown raised."""
        self._closing.set()
        if self._life is not None:
            await self._life

    async def _live(self, ready: "asyncio.Future[Starlette]") -> None:
        began = time.monotonic()
        try:
            app = await asyncio.to_thread(self._build)
            gc.freeze()  # else the collector looks through all that was imported, now and then: 0.1 s without a token
            async with app.router.lifespan_context(app):
                ready.set_result(app)
                log.info("the application is ready", extra={"duration_ms": round((time.monotonic() - began) * 1000)})
                await self._closing.wait()
        except Exception as error:
            if ready.done():
                raise
            ready.set_exception(error)


class Front:
    """Serves the files of `directory`, and before everything else the application that `build` makes."""

    def __init__(self, directory: Path, build: Callable[[], Starlette]) -> None:
        self._files = StaticFiles(directory=directory, html=True)
        self._page = RequestMiddleware(HeadersMiddleware(self._files))
        files = (path.relative_to(directory) for path in directory.rglob("*") if path.is_file())
        self._paths = {str(Path()), *map(str, files)}
        self._late = Late(build)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            scope.get("state", {})["warm_up"] = self._late.ready
            await self._lifespan(receive, send)
        elif self._is_file(scope):
            await self._page(scope, receive, send)
            await self._late.ready()
        else:
            app = await self._late.ready()
            await app(scope, receive, send)

    def _is_file(self, scope: Scope) -> bool:
        return scope.get("method") in {"GET", "HEAD"} and self._files.get_path(scope) in self._paths

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._late.close()
        await send({"type": "lifespan.shutdown.complete"})


def create_front(settings: Settings | None = None) -> Front:
    """The whole application behind its front; settings as for `create_app`. Raises ConfigurationError."""
    settings = settings or load_settings()
    configure_logging(settings)
    check_store(settings)

    def build() -> Starlette:
        from app.main import create_app  # noqa: PLC0415 - FastAPI and openai come with it

        return create_app(settings)

    return Front(WEB, build)
