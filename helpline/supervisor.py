"""Running the assistant, the action server and the app together: started, watched, restarted, stopped."""

import ctypes
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from circus import get_arbiter

from helpline.keys import Keys
from helpline.settings import REPOSITORY, Settings

READY_WITHIN_SECONDS = 180
DEATHS_THAT_END_IT = 3
DEATHS_WITHIN_SECONDS = 60.0
LOG_BYTES = 5_000_000


class CannotStart(Exception):
    """One clear sentence on why it cannot start."""


@dataclass(frozen=True)
class Part:
    """One process, and where it says that it is ready. name: its command; spoken: what people call it."""

    name: str
    spoken: str
    port: int
    ready_url: str


def parts_of(settings: Settings, keys: Keys) -> list[Part]:
    """The processes of one installation."""
    return [
        Part(
            "assistant",
            "assistant",
            settings.assistant_port,
            f"{settings.assistant_url}/status?token={keys.assistant_token}",
        ),
        Part("actions", "action server", settings.actions_port, f"{settings.actions_url}/health"),
        Part("app", "app", settings.port, f"{settings.own_url}/health"),
    ]


def check_ports(parts: list[Part]) -> None:
    """Raises CannotStart naming the first port that is taken."""
    for part in parts:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", part.port))
            except OSError:
                variable = "HELPLINE_PORT" if part.name == "app" else f"HELPLINE_{part.name.upper()}_PORT"
                raise CannotStart(
                    f"Port {part.port} (for the {part.spoken}) is in use. Stop what uses it, or set {variable}."
                ) from None


SUPERVISED_BY = "HELPLINE_SUPERVISED_BY"


def die_with_supervisor() -> None:
    """End this process when the supervisor that started it ends, however that happens (Linux)."""
    supervisor = os.environ.get(SUPERVISED_BY)
    if sys.platform != "linux" or not supervisor:
        return
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)
    if os.getppid() != int(supervisor):
        # It ended before the kernel was asked.
        sys.exit(1)


class Supervisor:
    """Watches the parts. say is told what a person should know."""

    def __init__(self, settings: Settings, parts: list[Part], say: Callable[[str], None]) -> None:
        self._settings = settings
        self._say = say
        self._parts = parts
        self._deaths: dict[str, deque[float]] = {part.name: deque(maxlen=DEATHS_THAT_END_IT) for part in self._parts}
        self._ready: set[str] = set()
        self._alive: set[str] = set()
        self._stopping = False
        self._failure: str | None = None
        self._arbiter: Any = None

    def run(self, when_ready: Callable[[], None]) -> None:
        """Run until stopped by a signal. Raises CannotStart."""
        check_ports(self._parts)
        self._arbiter = get_arbiter(
            [self._watcher(part) for part in self._parts],
            controller=f"ipc://{self._socket('control')}",
            pubsub_endpoint=f"ipc://{self._socket('events')}",
            check_delay=0.5,
        )
        threading.Thread(target=self._watch_readiness, args=(when_ready,), daemon=True).start()
        # Circus stops on SIGINT and SIGTERM by itself; a look at its watchers that falls into the stop is logged as an
        # error though nothing is wrong.
        logging.getLogger("tornado.application").setLevel(logging.CRITICAL)
        self._arbiter.start()
        self._stopping = True
        if self._failure:
            raise CannotStart(self._failure)

    def _socket(self, name: str) -> Path:
        folder = self._settings.data_folder / "run"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}.{os.getpid()}"

    def _log(self, name: str) -> Path:
        folder = self._settings.data_folder / "log"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}.log"

    def _watcher(self, part: Part) -> dict[str, Any]:
        stream = {
            "class": "FileStream",
            "filename": str(self._log(part.name)),
            "max_bytes": LOG_BYTES,
            "backup_count": 3,
        }
        return {
            "name": part.name,
            "cmd": sys.executable,
            "args": ["-m", "helpline", part.name],
            "working_dir": str(REPOSITORY),
            "env": {**os.environ, SUPERVISED_BY: str(os.getpid())},
            "copy_env": False,
            "graceful_timeout": 10,
            "stdout_stream": stream,
            "stderr_stream": stream,
            "hooks": {
                "before_stop": (self._before_stop, True),
                "after_reap": (self._after_reap, True),
                "after_spawn": (self._after_spawn, True),
            },
        }

    def _after_reap(self, watcher: Any, arbiter: Any, hook_name: str, **details: Any) -> bool:
        self._alive.discard(watcher.name)
        self._after_death(watcher.name, f" (code {details.get('exit_code')})")
        return True

    def _after_spawn(self, watcher: Any, arbiter: Any, hook_name: str, **details: Any) -> bool:
        # What dies between Circus's reaping and its look at what still runs is replaced, and never told of as reaped.
        if watcher.name in self._alive:
            self._after_death(watcher.name)
        self._alive.add(watcher.name)
        return True

    def _after_death(self, name: str, code: str = "") -> None:
        if self._stopping:
            return
        now = time.monotonic()
        deaths = self._deaths[name]
        deaths.append(now)
        self._ready.discard(name)
        spoken = next(part.spoken for part in self._parts if part.name == name)
        if len(deaths) == DEATHS_THAT_END_IT and now - deaths[0] < DEATHS_WITHIN_SECONDS:
            self._fail(f"The {spoken} ends as soon as it starts. Its last words: {self._last_words(name)}")
        else:
            self._say(f"The {spoken} stopped{code}; it is being restarted.")

    def _last_words(self, name: str) -> str:
        lines = [line for line in self._log(name).read_text(errors="replace").splitlines() if line.strip()]
        return f"{lines[-1] if lines else 'none'} (all of it: {self._log(name)})"

    def _fail(self, reason: str) -> None:
        self._failure = self._failure or reason
        self._arbiter.loop.add_callback(self._arbiter.stop)

    def _before_stop(self, watcher: Any, arbiter: Any, hook_name: str, **details: Any) -> bool:
        self._stopping = True
        return True

    def _watch_readiness(self, when_ready: Callable[[], None]) -> None:
        started = time.monotonic()
        said_ready = False
        with httpx.Client(timeout=2.0) as client:
            while not self._stopping:
                for part in self._parts:
                    if part.name not in self._ready and self._answers(client, part):
                        self._ready.add(part.name)
                        self._say(f"The {part.spoken} is ready.")
                if not said_ready and len(self._ready) == len(self._parts):
                    said_ready = True
                    when_ready()
                if not said_ready and time.monotonic() - started > READY_WITHIN_SECONDS:
                    missing = next(part for part in self._parts if part.name not in self._ready)
                    self._fail(
                        f"The {missing.spoken} is not ready after {READY_WITHIN_SECONDS} seconds."
                        f" See {self._log(missing.name)}"
                    )
                time.sleep(0.25)

    @staticmethod
    def _answers(client: httpx.Client, part: Part) -> bool:
        try:
            return client.get(part.ready_url).status_code == 200
        except httpx.HTTPError:
            return False
