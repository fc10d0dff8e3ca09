"""Logs and metrics of the real app in a process, without prompts, answers and keys."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from infra.standin.language import script
from infra.standin.server import StandIn

ASK = """
import asyncio, sys
import httpx2
from app.main import create_app
from app.loading import load_settings

async def ask() -> None:
    transport = httpx2.ASGITransport(create_app(load_settings()))
    async with httpx2.AsyncClient(transport=transport, base_url="http://app") as client:
        for message in sys.argv[1:]:
            await client.post("/api/chat", json={"message": message})
            await client.get("/chat-complete", params={"message": message})

asyncio.run(ask())
"""
CONFIGURE_AGAIN = """
import logging
from app.logs import configure_logging
from app.settings import Settings

class FromOutside(logging.Filter):
    def filter(self, record):
        record.tenant_id = "somebody"
        return True

configure_logging(Settings(_env_file=None, log_format="text"))
for handler in logging.getLogger().handlers:
    handler.addFilter(FromOutside())
configure_logging(Settings(_env_file=None, log_format="json"))
logging.getLogger("rivulet.test").info("hello")
"""
ANSWER = script(
    {"created": True}, {"text": "my answer"}, {"completed": {"usage": {"input_tokens": 5, "output_tokens": 7}}}
)
REFUSED = script({"status": 401, "body": {"error": {"message": "Incorrect key sk-test", "code": "invalid_api_key"}}})


@pytest.fixture
def environment(standin: StandIn) -> dict[str, str]:
    ours = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": standin.base_url, "OPENAI_MAX_RETRIES": "0"}
    return os.environ | ours


def output(environment: dict[str, str], *messages: str) -> str:
    command = [sys.executable, "-c", ASK, *messages]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def documents(environment: dict[str, str], *messages: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output(environment | {"LOG_FORMAT": "json"}, *messages).splitlines()]


def test_request_is_one_json_line(environment: dict[str, str]) -> None:
    first, second = documents(environment, ANSWER)
    assert first.items() >= {"message": "request", "path": "/api/chat", "status": 200, "level": "INFO"}.items()
    assert first.items() >= {"outcome": "completed", "model": "gpt-4o-mini", "output_tokens": 7}.items()
    assert first["request_id"] != second["request_id"]
    assert first["first_token_ms"] <= first["turn_ms"] <= first["duration_ms"] + 1


def test_turn_is_measured_by_model_and_outcome(environment: dict[str, str]) -> None:
    metrics = [
        doc for doc in documents(environment | {"METRICS_NAMESPACE": "Rivulet"}, ANSWER, REFUSED) if "_aws" in doc
    ]
    assert [(doc["outcome"], doc["Turns"]) for doc in metrics] == [("completed", [1.0])] * 2 + [("failed", [1.0])] * 2
    assert metrics[0]["OutputTokens"] == [7.0]
    assert {"TimeToFirstToken", "Duration", "InputTokens", "request_id"} <= metrics[0].keys()
    assert metrics[0]["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Rivulet"
    assert "TimeToFirstToken" not in metrics[2]


def test_no_namespace_means_no_metric(environment: dict[str, str]) -> None:
    assert "_aws" not in output(environment, ANSWER)


@pytest.mark.parametrize("form", ["text", "json"])
def test_logs_hold_no_content_or_key(environment: dict[str, str], form: str) -> None:
    settings = {"LOG_FORMAT": form, "LOG_LEVEL": "DEBUG", "METRICS_NAMESPACE": "Rivulet"}
    logged = output(environment | settings, ANSWER, REFUSED)
    assert "upstream_unauthorized" in logged
    for secret in ("/play", "my answer", "Incorrect", "sk-test"):
        assert secret not in logged


def test_text_line_is_readable(environment: dict[str, str]) -> None:
    line = output(environment, ANSWER).splitlines()[0]
    assert " INFO    request method=POST path=/api/chat status=200 " in line
    assert " outcome=completed " in line


def test_second_configuration_keeps_handler_and_filters() -> None:
    ran = subprocess.run([sys.executable, "-c", CONFIGURE_AGAIN], capture_output=True, text=True, check=True)
    (line,) = ran.stdout.splitlines()
    assert json.loads(line).items() >= {"message": "hello", "tenant_id": "somebody"}.items()
    assert ran.stderr == ""
