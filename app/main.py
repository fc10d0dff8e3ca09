"""The composition root: builds the application from its settings and passes every part what it depends on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app.chat.conversations import Conversations
from app.chat.turns import LONGEST_SILENCE, Turns
from app.files import WEB, Files
from app.loading import load_settings
from app.logs import configure_logging
from app.metrics import TurnMetrics
from app.middleware.body_limit import BodyLimitMiddleware
from app.middleware.error import ErrorMiddleware
from app.middleware.head import HeadMiddleware
from app.middleware.headers import HeadersMiddleware
from app.middleware.request import RequestMiddleware
from app.middleware.slash import SlashMiddleware
from app.openapi import add_openapi
from app.routes.chat import chat_router
from app.routes.compat import tutorial_router
from app.routes.conversations import conversations_router
from app.routes.dependencies import GetOwner, everyone
from app.routes.problems import add_problem_handlers
from app.routes.service import service_router
from app.routes.turns import turns_router
from app.secrets import Secrets
from app.settings import Settings
from app.store.opening import open_store
from app.upstream.client import Upstream


def create_app(
    settings: Settings | None = None, *, identify: GetOwner = everyone, longest_silence: float = LONGEST_SILENCE
) -> FastAPI:
    """The ASGI application; settings come from outside where none are given. Raises ConfigurationError.

    `identify` says who sends a request: conversations belong to who began them. After `longest_silence` seconds a
    stream begins without an answer.
    """
    settings = settings or load_settings()
    configure_logging(settings)
    upstream = Upstream(settings, Secrets(settings))
    store = open_store(settings)
    chat = Turns(settings, upstream, store, TurnMetrics(settings).turn_ended, longest_silence=longest_silence)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await chat.close()
        await upstream.close()
        await store.close()

    app = FastAPI(
        title="Rivulet",
        lifespan=lifespan,
        redirect_slashes=False,  # they would lead to the host that a client names
        openapi_url=None,  # and with it no pages that load scripts from elsewhere
    )
    app.state.interrupt_turns = chat.close  # for a host that must not wait until they end by themselves
    add_problem_handlers(app)
    app.include_router(chat_router(chat, identify))
    app.include_router(turns_router(chat, identify))
    app.include_router(conversations_router(Conversations(chat, store), identify))
    app.include_router(tutorial_router(chat, identify))
    app.include_router(service_router(settings))
    add_openapi(app, settings)
    app.router.default = Files(WEB)  # what no route has taken
    app.add_middleware(BodyLimitMiddleware, max_bytes=settings.max_body_bytes)
    app.add_middleware(SlashMiddleware)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(HeadersMiddleware)
    app.add_middleware(ErrorMiddleware)
    app.add_middleware(RequestMiddleware)
    return app
