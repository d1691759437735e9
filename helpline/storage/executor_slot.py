"""Who this process is among those that do durable work.

DBOS gives a dead process's unfinished work back only to a process with the same executor id, and two living ones
with one id would do it twice. So ids are slots that a process holds for as long as it lives.
"""

import fcntl
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

SLOT_LOCK = 771
MOST_SLOTS = 256


class SlotTaken(Exception):
    """Another process is already doing the work of this embedded installation."""


class ExecutorSlot(Protocol):
    """A held slot."""

    executor_id: str

    def is_dead(self, executor_id: str) -> bool:
        """Whether no process holds that executor's slot."""
        ...

    def release(self) -> None:
        """Give the slot up."""
        ...


class FileSlot:
    """The only slot of an embedded installation: a lock on a file, so that a second worker refuses to start."""

    def __init__(self, folder: Path) -> None:
        self.executor_id = "embedded"
        folder.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = (folder / "worker.lock").open("w")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise SlotTaken(str(folder)) from None

    def is_dead(self, executor_id: str) -> bool:
        """Never: there is nobody else."""
        return False

    def release(self) -> None:
        """Give the slot up."""
        self._file.close()


class PostgresSlot:
    """The first free of the numbered slots, held by an advisory lock for as long as its connection lives."""

    def __init__(self, engine: Engine) -> None:
        self._connection: Connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        for number in range(MOST_SLOTS):
            if self._take(number):
                self._number = number
                self.executor_id = f"w{number}"
                return
        self._connection.close()
        raise SlotTaken("all worker slots of the database are taken")

    def _take(self, number: int) -> bool:
        taken = self._connection.execute(
            text("SELECT pg_try_advisory_lock(:lock, :number)"), {"lock": SLOT_LOCK, "number": number}
        ).scalar_one()
        return bool(taken)

    def is_dead(self, executor_id: str) -> bool:
        """Whether nobody holds that slot: it can be taken, and is given back at once."""
        if executor_id == self.executor_id or not executor_id.startswith("w") or not executor_id[1:].isdigit():
            return False
        number = int(executor_id[1:])
        if not self._take(number):
            return False
        self._give_back(number)
        return True

    def _give_back(self, number: int) -> None:
        self._connection.execute(
            text("SELECT pg_advisory_unlock(:lock, :number)"), {"lock": SLOT_LOCK, "number": number}
        )

    def release(self) -> None:
        """Give the slot up: it is free when this returns, or, where the database is gone, when that notices."""
        # The server drops a closed connection's locks in its own time, and a pooled connection keeps them.
        with suppress(DBAPIError):
            self._give_back(self._number)
        self._connection.detach()
        self._connection.close()
