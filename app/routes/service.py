"""What a client asks about the service itself: is it there, and what must the page know before the first question."""

from fastapi import APIRouter

from app.contract import Health, PageConfig
from app.routes.problems import PROBLEM_RESPONSES
from app.settings import Settings


def service_router(settings: Settings) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["service"], responses=PROBLEM_RESPONSES)
    config = PageConfig(
        models=list(settings.allowed_models),
        default_model=settings.openai_model,
        max_message_chars=settings.max_message_chars,
        demo=settings.demo,
    )

    @router.get("/health")
    async def health() -> Health:
        """Whether the function is up. It asks nobody else, and costs nothing."""
        return Health()

    @router.get("/config")
    async def page_config() -> PageConfig:
        return config

    return router
