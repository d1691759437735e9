"""What a pretend provider remembers: one JSON object a line, only ever added to."""

import json
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
            whole, _, cut_off = path.read_bytes().rpartition(b"\n")
            if cut_off:
                # The process was killed while it wrote this line, and nobody was told of what it says.
                path.write_bytes(whole + b"\n" if whole else b"")
            self._entries = [json.loads(line) for line in whole.splitlines()]

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
