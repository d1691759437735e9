"""The supervisor with one real part: what dies is started again, and told of."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from helpline.settings import REPOSITORY
from tests.running_helpline import free_port
from tests.waiting import wait_until

READY = "The action server is ready."


@pytest.mark.parametrize(("how", "said"), [([], "stopped (code -9); it is"), (["unreaped"], "stopped; it is")])
def test_a_part_that_dies_is_started_again_and_told_of_however_it_is_noticed(
    how: list[str], said: str, tmp_path: Path
) -> None:
    port, output = str(free_port()), tmp_path / "output.txt"
    environment = os.environ | {"HELPLINE_DATA_FOLDER": str(tmp_path / "data"), "HELPLINE_ACTIONS_PORT": port}
    command = [sys.executable, "-m", "tests.supervised", port, *how]
    with output.open("wb") as file:
        supervisor = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=file, stderr=file)
    try:
        wait_until("the part is ready", lambda: READY in output.read_text(), within=60)
        (part,) = psutil.Process(supervisor.pid).children()
        part.kill()
        wait_until("the part is ready again", lambda: output.read_text().count(READY) == 2, within=60)
        assert output.read_text().splitlines() == [READY, f"The action server {said} being restarted.", READY]
    finally:
        supervisor.terminate()
        supervisor.wait(timeout=40)
