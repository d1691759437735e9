"""Runs the tests beside this file with the assistant's own interpreter."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PYTHON = HERE.parents[1] / "bot" / ".venv" / "bin" / "python"


@pytest.mark.skipif(not PYTHON.exists(), reason="the assistant's environment is not set up")
def test_the_assistants_tests_pass_in_its_own_environment() -> None:
    command = [str(PYTHON), "-m", "pytest", "-q", str(HERE)]
    done = subprocess.run(command, cwd=HERE.parents[1], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
