"""Paths of the checkout."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "infra/events"
SAM = ROOT / ".venv-sam/bin/sam"
SAM_PYTHON = ROOT / ".venv-sam/bin/python"
