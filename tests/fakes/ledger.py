"""What a pretend provider remembers: one JSON object a line, only ever added to."""

import json
import os
import threading
import time
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


class Ledger:
    """On disk where a path is given, so that a provider that was killed knows afterwards what it took."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        if path is not None and path.exists():
            whole = _whole_lines(path)
            # What follows was written while the process was killed, and nobody was told of what it says.
            os.truncate(path, len(whole))
            self._entries = _read(whole)

    @property
    def entries(self) -> list[Entry]:
        """Everything so far, in order."""
        with self._lock:
            return list(self._entries)

    def note(self, event: str, **fields: Any) -> None:
        """Add an entry. It is on disk when this returns."""
        entry = {"event": event, "noted_at": time.time(), **fields}
        line = json.dumps(entry) + "\n"
        with self._lock:
            self._entries.append(json.loads(line))
            if self._path is not None:
                with self._path.open("a") as file:
                    file.write(line)


def entries_in(path: Path) -> list[Entry]:
    """What stands in the ledger of a provider in another process, which may be writing."""
    return _read(_whole_lines(path)) if path.exists() else []


def _whole_lines(path: Path) -> bytes:
    text = path.read_bytes()
    return text[: text.rfind(b"\n") + 1]


def _read(lines: bytes) -> list[Entry]:
    return [json.loads(line) for line in lines.splitlines()]
