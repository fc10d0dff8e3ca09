"""The artifact with exactly the environment that the template's defaults give it.

moto is the account, with the Parameter Store and the table. The stand-in is OpenAI,
reached as api.openai.com through a proxy: a base URL in the environment would hide the
effect of an empty one.
"""

import importlib.util
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from infra.standin.server import StandIn
from tests.bench.account import account
from tests.fakes.tunnel import Tunnel, tunnel
from tests.infra.cloudformation import Stack, translate
from tests.infra.conftest import Runnable
from tests.infra.emulator import emulating, invoke

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="AWS's emulator runs on Linux only")


@dataclass(frozen=True)
class Deployment:
    """A running function, and the proxy between it and OpenAI."""

    url: str
    variables: dict[str, str]
    tunnel: Tunnel


@pytest.fixture(scope="module")
def deployment(
    runnable: Runnable, running_standin: StandIn, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    directory = tmp_path_factory.mktemp("deployment")
    stack = Stack(translate())
    declared = stack.properties("ChatFunction")["Environment"]["Variables"]
    port = urlsplit(running_standin.base_url).port
    assert port
    with account(stack.parameters["ParameterPath"]) as aws, tunnel("api.openai.com", port, directory) as way:
        # a stack adds only the name of the table to the defaults
        variables = {n: aws["TABLE_NAME"] if v == {"Ref": "ChatTable"} else str(v) for n, v in declared.items()}
        surroundings = {name: value for name, value in aws.items() if name.startswith("AWS_")}
        surroundings |= {"HTTPS_PROXY": way.url, "https_proxy": way.url, "SSL_CERT_FILE": str(way.authority)}
        surroundings["LAMBDA_RUNTIME_DIR"] = str(managed_runtime(directory / "runtime"))
        with emulating(runnable, directory / "log", **(surroundings | variables)) as url:
            yield Deployment(url, variables, way)


def managed_runtime(directory: Path) -> Path:
    """A directory with what the managed runtime has: boto3, here that of the tests."""
    directory.mkdir()
    for name in ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3"):
        module = importlib.util.find_spec(name)
        assert module
        assert module.origin
        origin = Path(module.origin)
        origin = origin.parent if origin.name == "__init__.py" else origin
        (directory / origin.name).symlink_to(origin)
    return directory


def test_a_default_deployment_answers(deployment: Deployment, standin: StandIn) -> None:
    assert deployment.variables["OPENAI_BASE_URL"] == ""
    prelude, body = invoke(deployment.url, "api-chat")
    assert (prelude["statusCode"], json.loads(body)["status"]) == (200, "completed")
    assert set(deployment.tunnel.asked) == {"api.openai.com:443"}
    assert standin.wait_received().token == "sk-bench"


def test_a_default_deployment_streams(deployment: Deployment) -> None:
    prelude, body = invoke(deployment.url, "api-chat-stream")
    assert prelude["statusCode"] == 200
    assert b'event: end\ndata: {"status":"completed"' in body
