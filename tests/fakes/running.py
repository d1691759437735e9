"""Both providers in a process of their own, started, killed and started again by a test."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from helpline.settings import REPOSITORY
from tests.fakes.ledger import Entry
from tests.waiting import wait_until

PATIENCE_SECONDS = 20.0


class RunningProviders:
    """The process, its address, and what a test may ask of it. folder: where its ledgers are."""

    def __init__(self, port: int, folder: Path, *options: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._command = [sys.executable, "-m", "tests.fakes", str(port), str(folder), *options]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when it answers."""
        self._process = subprocess.Popen(self._command, cwd=REPOSITORY)
        wait_until("the providers answer", self._answers)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/fake/ledger", timeout=PATIENCE_SECONDS).is_success
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """As the kernel kills: nothing is tidied up."""
        self._end_by(signal.SIGKILL)

    def stop(self) -> None:
        """As it is stopped when all is well."""
        self._end_by(signal.SIGTERM)

    def _end_by(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=PATIENCE_SECONDS)
            self._process = None

    def post(self, path: str, body: Any = None) -> httpx.Response:
        """Ask for something at one of its addresses for tests."""
        return httpx.post(self.url + path, json=body, timeout=PATIENCE_SECONDS).raise_for_status()

    def fail(self, provider: str, **fault: Any) -> None:
        """Have the next call of a provider fail, or the next news come wrong."""
        self.post("/fake/faults", [{"provider": provider, **fault}])

    def ledger(self, provider: str, event: str) -> list[Entry]:
        """All the entries of one kind."""
        ledgers = httpx.get(f"{self.url}/fake/ledger", timeout=PATIENCE_SECONDS).json()
        return [entry for entry in ledgers[provider] if entry["event"] == event]


@contextmanager
def running_providers(port: int, folder: Path, *options: str) -> Iterator[RunningProviders]:
    """Both, until the end of the block."""
    running = RunningProviders(port, folder, *options)
    running.start()
    try:
        yield running
    finally:
        running.stop()
