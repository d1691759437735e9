"""A chat in the terminal: the web chat's own addresses, with a prompt instead of a page."""

import json
import subprocess
import sys
import threading
import time
import uuid

import httpx
from rich.console import Console

from helpline.settings import REPOSITORY, Settings
from helpline.supervisor import READY_WITHIN_SECONDS, CannotStart

ANSWER_WITHIN_SECONDS = 30.0


def _is_up(settings: Settings) -> bool:
    try:
        return httpx.get(f"{settings.own_url}/health", timeout=2.0).json().get("assistant") is True
    except (httpx.HTTPError, ValueError):
        return False


def _start(settings: Settings, console: Console) -> subprocess.Popen[bytes]:
    console.print("Starting the helpline for this talk ...", markup=False)
    started = subprocess.Popen([sys.executable, "-m", "helpline", "up"], cwd=REPOSITORY)
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while not _is_up(settings):
        if started.poll() is not None:
            raise CannotStart("It could not be started; the reason is above.")
        if time.monotonic() > deadline:
            started.terminate()
            raise CannotStart("It was not ready in time. Run bin/helpline doctor.")
        time.sleep(0.5)
    return started


class _Talk:
    """One chat session over HTTP."""

    def __init__(self, settings: Settings, console: Console) -> None:
        self._console = console
        self._client = httpx.Client(base_url=settings.own_url, timeout=httpx.Timeout(10.0, read=None))
        self._answered = threading.Event()
        self._client.get("/chat").raise_for_status()
        threading.Thread(target=self._listen, daemon=True).start()

    def say(self, text: str) -> None:
        """Post a message and wait for its answer."""
        self._answered.clear()
        posted = self._client.post("/chat/messages", json={"id": str(uuid.uuid4()), "text": text})
        if posted.status_code != 202:
            self._console.print(f"({posted.json().get('error')})", markup=False)
            return
        self._answered.wait(ANSWER_WITHIN_SECONDS)

    def _listen(self) -> None:
        with self._client.stream("GET", "/chat/events") as events:
            for line in events.iter_lines():
                if line.startswith("data: {"):
                    self._show(json.loads(line.removeprefix("data: ")))

    def _show(self, event: dict[str, object]) -> None:
        if event.get("sender") != "helpline":
            return
        self._console.print(f"\n{event['text']}\n", markup=False)
        options = event.get("options")
        if isinstance(options, list) and options:
            self._console.print("  " + "   ".join(f"[{option}]" for option in options) + "\n", markup=False)
        self._answered.set()


def talk_in_terminal(settings: Settings, console: Console) -> None:
    """Talk until end of input.

    Raises:
        helpline.supervisor.CannotStart: the helpline does not run and could not be started.
    """
    started = None if _is_up(settings) else _start(settings, console)
    try:
        talk = _Talk(settings, console)
        console.print("You are talking to an automated helper. In an emergency call 999. Ctrl-D ends.\n", markup=False)
        while True:
            try:
                text = input("> ")
            except (EOFError, KeyboardInterrupt):
                return
            if text.strip():
                talk.say(text)
    finally:
        if started is not None:
            started.terminate()
            started.wait()
