"""The product's core as a process that a test can kill: an assistant and a provider that speak through files.

Run as: python -m tests.flows.runner. It reads one JSON line for each helpline to start ({"outside", "data",
"database_url"}) and forks it, so that a restart takes a moment and not the seconds that reading all the content
takes; it answers each line with the process id. In the folder `outside` the test finds `ready`, `asked` (a line for
each call of the assistant), `sending`, `taken` (the provider's own record) and `looked-up`; it puts messages into
`inbox/`, and hangs the process by making `hang-assistant`, `hang-before-taking` or `hang-after-taking`.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from channels.gateway import Outcome
from content.safety_schema import load_safety
from content.schema import load_content
from helpline import flows
from helpline.alerts import LoggedAlerts
from helpline.clock import SystemClock
from helpline.domain.messages import InboundMessage, OutboundMessage, Reply, SendResult
from helpline.domain.safety import SafetyScanner
from helpline.settings import REPOSITORY
from tests.flows.starting import running


def append(path: Path, record: Mapping[str, Any]) -> None:
    with path.open("a") as file:
        file.write(json.dumps(record) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def hang_while(path: Path) -> None:
    while path.exists():
        time.sleep(0.02)


class FileAssistant:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def answer(self, sender: str, text: str, metadata: Mapping[str, Any]) -> Sequence[Reply]:
        append(self.folder / "asked", {"text": text})
        hang_while(self.folder / "hang-assistant")
        return [Reply(f"about: {text}")]

    def is_ready(self) -> bool:
        return True


class FileSender:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, message: OutboundMessage) -> SendResult:
        append(self.folder / "sending", {"entry": message.entry_id})
        hang_while(self.folder / "hang-before-taking")
        append(self.folder / "taken", {"to": message.address, "text": message.text})
        hang_while(self.folder / "hang-after-taking")
        return SendResult(f"P{message.entry_id}")

    def find(self, message: OutboundMessage, since: datetime) -> SendResult | None:
        append(self.folder / "looked-up", {"entry": message.entry_id})
        taken = {"to": message.address, "text": message.text} in read(self.folder / "taken")
        return SendResult(f"P{message.entry_id}") if taken else None


def work(outside: Path, data: Path, database_url: str | None, words: tuple[Any, Any, Any]) -> None:
    sides = SystemClock(), FileAssistant(outside), FileSender(outside), LoggedAlerts()
    with running(data, database_url, words, *sides) as (_, gateway, executor):
        append(outside / "ready", {"executor": executor})
        inbox = outside / "inbox"
        while True:
            for path in sorted(inbox.glob("*.json")) if inbox.is_dir() else ():
                handled = gateway.handle_inbound(InboundMessage(**json.loads(path.read_text())))
                path.rename(path.with_suffix(".stored" if handled.outcome is Outcome.STORED else ".not-stored"))
            if (outside / "sweep").exists():
                (outside / "sweep").unlink()
                flows.sweep(datetime.now(UTC), None)
            time.sleep(0.02)


def main() -> None:
    content = load_content(REPOSITORY / "content")
    safety = load_safety(REPOSITORY / "content" / "safety")
    words = content, safety, SafetyScanner(safety)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("loaded", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            log = os.open(Path(order["outside"]) / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(log, sys.stdout.fileno())
            os.dup2(log, sys.stderr.fileno())
            work(Path(order["outside"]), Path(order["data"]), order["database_url"], words)
        print(child, flush=True)


if __name__ == "__main__":
    main()
