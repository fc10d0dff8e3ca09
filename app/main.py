"""The composition root: builds the application and its parts from the settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app.chat.conversations import Conversations
from app.chat.lifecycle import LONGEST_SILENCE
from app.chat.turns import Turns
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
from app.routes import chat, compat, conversations, service, turns
from app.routes.dependencies import GetOwner, anonymous
from app.routes.problems import add_problem_handlers
from app.secrets import Secrets
from app.settings import Settings
from app.store.opening import open_store
from app.upstream.client import Upstream


def create_app(
    settings: Settings | None = None, *, get_owner: GetOwner = anonymous, longest_silence: float = LONGEST_SILENCE
) -> FastAPI:
    """Returns the ASGI application. Raises ConfigurationError.

    `settings` are those of the process by default. `get_owner` returns the owner of a
    request, and so of the conversations that it begins. After `longest_silence` seconds
    a stream begins without an answer.
    """
    settings = settings or load_settings()
    configure_logging(settings)
    upstream = Upstream(settings, Secrets(settings))
    store = open_store(settings)
    all_turns = Turns(settings, upstream, store, TurnMetrics(settings).turn_ended, longest_silence=longest_silence)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await all_turns.close()
        await upstream.close()
        await store.close()

    app = FastAPI(
        title="Rivulet",
        lifespan=lifespan,
        redirect_slashes=False,  # a redirect would name the host of the request
        openapi_url=None,  # its pages would load scripts from other hosts
    )
    app.state.interrupt_turns = all_turns.close  # for a host that cannot wait for their ends
    app.state.get_owner = get_owner
    app.state.turns = all_turns
    app.state.conversations = Conversations(all_turns, store)
    app.state.page_config = service.make_page_config(settings)
    add_problem_handlers(app)
    for module in (chat, turns, conversations, compat, service):
        app.include_router(module.router)
    add_openapi(app, settings)
    app.router.default = Files(WEB)  # for paths without a route
    app.add_middleware(BodyLimitMiddleware, max_bytes=settings.max_body_bytes)
    app.add_middleware(SlashMiddleware)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(HeadersMiddleware)
    app.add_middleware(ErrorMiddleware)
    app.add_middleware(RequestMiddleware)
    return app
