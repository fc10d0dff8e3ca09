"""The service itself: its health, and what the page needs before the first question."""

from fastapi import APIRouter, Request

from app.contract import Health, PageConfig
from app.routes.problems import PROBLEM_RESPONSES
from app.settings import Settings

router = APIRouter(prefix="/api", tags=["service"], responses=PROBLEM_RESPONSES)


@router.get("/health")
async def health() -> Health:
    """Returns 200 if the function runs. It sends no request to OpenAI or the store."""
    return Health()


@router.get("/config")
async def page_config(request: Request) -> PageConfig:
    """Returns the models and limits."""
    config: PageConfig = request.app.state.page_config
    return config


def make_page_config(settings: Settings) -> PageConfig:
    return PageConfig(
        models=list(settings.allowed_models),
        default_model=settings.openai_model,
        max_message_chars=settings.max_message_chars,
        demo=settings.demo,
    )
