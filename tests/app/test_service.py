"""The page's files, its configuration, and the documentation."""

from pathlib import Path

import httpx2
import pytest

from app.main import create_app
from app.settings import ConfigurationError
from tests.conftest import MakeSettings


def asking(make_settings: MakeSettings, **settings: object) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(create_app(make_settings(**settings))), base_url="http://app"
    )


async def test_page_is_served_at_root(client: httpx2.AsyncClient) -> None:
    page = await client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert (await client.head("/")).status_code == 200


async def test_unknown_path_is_not_found(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/nothing")).status_code == 404


async def test_health_asks_no_upstream(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/api/health")).json() == {"status": "ok"}


async def test_config_has_models_limit_and_demo(make_settings: MakeSettings) -> None:
    async with asking(make_settings, openai_models=("gpt-4.1",), max_message_chars=10, demo=True) as client:
        assert (await client.get("/api/config")).json() == {
            "models": ["gpt-4o-mini", "gpt-4.1"],
            "default_model": "gpt-4o-mini",
            "max_message_chars": 10,
            "demo": True,
        }


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
async def test_the_document_is_served_if_a_setting_allows(make_settings: MakeSettings, path: str) -> None:
    async with asking(make_settings) as client:
        assert (await client.get(path)).status_code == 404
    async with asking(make_settings, openapi_docs=True) as client:
        response = await client.get(path)
    assert response.headers["content-type"] == "application/json"  # so it has no script
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "/api/chat/stream" in response.json()["paths"]


async def test_missing_key_serves_page_and_problem(make_settings: MakeSettings) -> None:
    async with asking(make_settings, openai_api_key=None, openai_base_url=None) as client:
        assert (await client.get("/")).status_code == 200
        answer = await client.post("/api/chat", json={"message": "Hi"})
        assert (answer.status_code, answer.json()["code"]) == (503, "not_configured")
        assert "OPENAI_API_KEY" in answer.json()["detail"]


def test_unusable_data_directory_is_configuration_error(make_settings: MakeSettings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="file"):
        create_app(make_settings(data_dir=tmp_path / "file"))
