"""The composition root: builds the application from its settings and passes every part what it depends on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from app.chat.turn import Chat
from app.chat.upstream import Upstream
from app.middleware import BodyLimitMiddleware, HeadersMiddleware, RequestMiddleware
from app.parameters import Secrets
from app.routes.chat import chat_router
from app.routes.problems import add_problem_handlers
from app.routes.service import service_router
from app.routes.tutorial import tutorial_router
from app.settings import Settings, load_settings
from app.telemetry import Telemetry, configure_logging

WEB = Path(__file__).parent / "web"


def create_app(settings: Settings | None = None) -> FastAPI:
    """The ASGI application; settings come from outside where none are given. Raises ConfigurationError."""
    settings = settings or load_settings()
    configure_logging(settings)
    upstream = Upstream(settings, Secrets(settings))
    chat = Chat(settings, upstream, Telemetry(settings).turn_ended)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await upstream.close()

    app = FastAPI(
        title="Rivulet",
        lifespan=lifespan,
        docs_url="/docs" if settings.openapi_docs else None,
        redoc_url=None,
        openapi_url="/openapi.json" if settings.openapi_docs else None,
    )
    add_problem_handlers(app)
    app.include_router(chat_router(chat))
    app.include_router(tutorial_router(chat))
    app.include_router(service_router(settings))
    app.frontend("/", directory=WEB, fallback=None)
    app.add_middleware(BodyLimitMiddleware, max_bytes=settings.max_body_bytes)
    app.add_middleware(HeadersMiddleware, free_paths=("/docs",))
    app.add_middleware(RequestMiddleware)
    return app
