"""The writers of one process in a queue, for a database that lets one write at a time.

SQLite lets those who wait try again and again, at moments of their own, so that under load one may wait for seconds
while others pass it (SQLite documentation, "sqlite3_busy_handler"). Here they come in order, and who must not wait
comes first.
"""

import heapq
import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class WaitedTooLong(Exception):
    """The turn did not come in time."""


class Writers:
    """One at a time: who is urgent first, then in the order in which they came."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._waiting: list[tuple[bool, int]] = []
        self._busy = False

    @contextmanager
    def turn(self, *, urgent: bool, within_seconds: float) -> Iterator[None]:
        """Wait for the turn and keep it for the block. Raises WaitedTooLong."""
        with self._changed:
            mine = (not urgent, next(self._numbers))
            heapq.heappush(self._waiting, mine)
            came = self._changed.wait_for(lambda: not self._busy and self._waiting[0] == mine, within_seconds)
            self._waiting.remove(mine)
            heapq.heapify(self._waiting)
            self._busy = self._busy or came
            if not came:
                self._changed.notify_all()
                raise WaitedTooLong
        try:
            yield
        finally:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
