"""The whole product as a person would start it, with pretend providers in a process of their own."""

import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest

from channels.simulator.pages import signed_webhook
from helpline.environments import bot_environment_is_made, model_is_current, model_path
from helpline.settings import REPOSITORY, Settings
from tests.fakes.ledger import entries_in
from tests.fakes.providers import TWILIO_LEDGER
from tests.fakes.running import running_providers
from tests.waiting import wait_until

READY_WITHIN_SECONDS = 120.0
AUTH_TOKEN = "a-token-of-the-tests"
PARTS = ("assistant", "actions", "app")
UP = ("helpline", "up")
LEDGERS = "ledgers"


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
        return [
            entry["text"]["body"]
            for entry in entries_in(self.ledger)
            if entry["event"] == "taken" and entry["text"]["to"] == phone
        ]

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


def assistant_is_set_up() -> bool:
    """Whether `helpline up` would start at once."""
    return bot_environment_is_made() and model_is_current(Settings())


@contextmanager
def started(folder: Path, provider_url: str, command: Sequence[str] = UP) -> Iterator[RunningHelpline]:
    """The whole product, or what another module of ours starts in its place, with an empty data folder."""
    ports = {name: free_port() for name in ("app", "assistant", "actions")}
    output = folder / "output.txt"
    url = f"http://127.0.0.1:{ports['app']}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HELPLINE_")} | {
        "HELPLINE_DATA_FOLDER": str(folder / "data"),
        "HELPLINE_MODEL_FILE": str(model_path(Settings())),
        "HELPLINE_PORT": str(ports["app"]),
        "HELPLINE_ASSISTANT_PORT": str(ports["assistant"]),
        "HELPLINE_ACTIONS_PORT": str(ports["actions"]),
        "HELPLINE_TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "HELPLINE_TWILIO_API_URL": provider_url,
    }
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=REPOSITORY, env=environment, stdout=file, stderr=file
        )
    running = RunningHelpline(process, url, folder / "data", folder / LEDGERS / TWILIO_LEDGER, output)
    try:
        wait_until("the helpline is well", running.is_well, READY_WITHIN_SECONDS)
        yield running
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=40)


@pytest.fixture(scope="session")
def running_helpline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHelpline]:
    """`helpline up` with an empty data folder, started once for all journeys."""
    if not assistant_is_set_up():
        if os.environ.get("CI"):
            pytest.fail("the assistant is not set up; bin/helpline test sets it up before it runs this")
        pytest.skip("the assistant is not set up: run bin/helpline up or bin/helpline train once")
    folder = tmp_path_factory.mktemp("journeys")
    with running_providers(free_port(), folder / LEDGERS) as providers, started(folder, providers.url) as running:
        yield running


@pytest.fixture(scope="session")
def live_url(running_helpline: RunningHelpline) -> str:
    """The address of the running helpline's pages."""
    return running_helpline.url
