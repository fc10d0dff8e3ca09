"""The API with schemathesis: requests that the OpenAPI
document allows, and many that it does not.
"""

import os
import subprocess
import sys
from pathlib import Path

from app.main import create_app
from infra.standin.server import StandIn
from tests.conftest import MakeSettings
from tests.fakes.server import serving

CASES = int(os.environ.get("SCHEMATHESIS_CASES", "200"))  # of each operation
LIMIT = 240.0 * max(1, CASES / 200)  # seconds


def test_api_keeps_its_document(make_settings: MakeSettings, standin: StandIn, tmp_path: Path) -> None:
    del standin
    with serving(create_app(make_settings(openapi_docs=True, log_level="ERROR"))) as url:
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json"),
            *("--max-examples", str(CASES), "--no-color"),
            *("--workers", "1", "--seed", "1", "--suppress-health-check", "all"),
        ]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
