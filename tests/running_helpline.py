"""The whole product as a person would start it, with a pretend provider in a process of its own."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest

from channels.simulator.pages import signed_webhook
from helpline.environments import bot_environment_is_made, model_is_current, model_path
from helpline.settings import REPOSITORY, Settings
from tests.waiting import wait_until

READY_WITHIN_SECONDS = 120.0
AUTH_TOKEN = "a-token-of-the-tests"
PARTS = ("assistant", "actions", "app")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class RunningHelpline:
    """`helpline up`, running."""

    process: subprocess.Popen[bytes]
    url: str
    data_folder: Path
    ledger: Path
    output: Path
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(10_000, 99_999)))

    def new_phone(self) -> str:
        return f"+4477009{next(self.numbers)}"

    def webhook(self, phone: str, text: str, sid: str | None = None, token: str = AUTH_TOKEN) -> httpx.Response:
        fields = {
            "MessageSid": sid or "SM" + secrets.token_hex(16),
            "From": phone,
            "To": "+447700900100",
            "Body": text,
            "NumMedia": "0",
        }
        with httpx.Client(timeout=20.0) as client:
            return client.send(signed_webhook(token, self.url, self.url, fields))

    def sent_to(self, phone: str) -> list[str]:
        if not self.ledger.exists():
            return []
        taken = [json.loads(line) for line in self.ledger.read_text().splitlines()]
        return [message["body"] for message in taken if message["to"] == phone]

    def is_well(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=2.0).json() == {"storage": True, "assistant": True}
        except (httpx.HTTPError, ValueError):
            return False

    def pids_of(self, part: str) -> list[int]:
        """The processes of one part: ours by its command, the assistant by what it became."""
        wanted = "serve.py" if part == "assistant" else part
        return [
            child.pid
            for child in psutil.Process(self.process.pid).children(recursive=True)
            if any(argument == wanted or argument.endswith(f"/{wanted}") for argument in child.cmdline())
        ]


@pytest.fixture(scope="session")
def running_helpline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHelpline]:
    """`helpline up` with an empty data folder, started once for all journeys."""
    settings = Settings()
    if not bot_environment_is_made() or not model_is_current(settings):
        if os.environ.get("CI"):
            pytest.fail("the assistant is not set up; bin/helpline test sets it up before it runs this")
        pytest.skip("the assistant is not set up: run bin/helpline up or bin/helpline train once")
    folder = tmp_path_factory.mktemp("journeys")
    ports = {name: free_port() for name in ("app", "assistant", "actions", "provider")}
    ledger, output = folder / "ledger.jsonl", folder / "output.txt"
    provider = subprocess.Popen(
        [sys.executable, "-m", "tests.fake_provider", str(ports["provider"]), str(ledger)], cwd=REPOSITORY
    )
    url = f"http://127.0.0.1:{ports['app']}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HELPLINE_")} | {
        "HELPLINE_DATA_FOLDER": str(folder / "data"),
        "HELPLINE_MODEL_FILE": str(model_path(settings)),
        "HELPLINE_PORT": str(ports["app"]),
        "HELPLINE_ASSISTANT_PORT": str(ports["assistant"]),
        "HELPLINE_ACTIONS_PORT": str(ports["actions"]),
        "HELPLINE_TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "HELPLINE_TWILIO_API_URL": f"http://127.0.0.1:{ports['provider']}",
    }
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "helpline", "up"], cwd=REPOSITORY, env=environment, stdout=file, stderr=file
        )
    running = RunningHelpline(process, url, folder / "data", ledger, output)
    try:
        wait_until("the helpline is well", running.is_well, READY_WITHIN_SECONDS)
        yield running
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=40)
        finally:
            provider.terminate()
            provider.wait(timeout=10)


@pytest.fixture(scope="session")
def live_url(running_helpline: RunningHelpline) -> str:
    """The address of the running helpline's pages."""
    return running_helpline.url
