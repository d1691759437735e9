"""Connections: an encrypted SQLite file by default, PostgreSQL by a setting."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlcipher3
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, IntegrityError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from helpline.storage.writers import WaitedTooLong, Writers

__all__ = [
    "Database",
    "Engine",
    "Session",
    "StorageConflict",
    "StorageKeyWrong",
    "StorageUnavailable",
    "open_encrypted_file",
    "open_encrypted_flow_file",
    "open_postgresql",
]

BUSY_TIMEOUT_MILLISECONDS = 5_000
FLOW_BUSY_TIMEOUT_MILLISECONDS = 30_000
# An urgent one that waits longer is spooled instead, well within the time that its provider waits for us.
URGENT_WAITS_SECONDS, OTHERS_WAIT_SECONDS = 3.0, 10.0


class StorageUnavailable(Exception):
    """The database cannot be read or written at the moment."""


class StorageConflict(Exception):
    """Another process stored the same thing first; look again."""


class StorageKeyWrong(Exception):
    """The encrypted file cannot be opened with the key that was given."""


def open_encrypted_file(path: Path, key: str) -> Engine:
    """An engine on a SQLCipher file.

    key is 64 hexadecimal digits. WAL with synchronous FULL: a commit that was acknowledged survives a power cut
    (SQLite documentation, "PRAGMA synchronous"). Every writing transaction begins IMMEDIATE, because a deferred one
    that turns into a writer fails at once whatever the busy timeout.
    """
    engine = _encrypted_engine(path, key, BUSY_TIMEOUT_MILLISECONDS, isolation_level=None)

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def open_encrypted_flow_file(path: Path, key: str) -> Engine:
    """An engine on a SQLCipher file for the durable engine, which begins some of its transactions itself."""
    return _encrypted_engine(path, key, FLOW_BUSY_TIMEOUT_MILLISECONDS, isolation_level="IMMEDIATE")


def _encrypted_engine(path: Path, key: str, busy_timeout_milliseconds: int, isolation_level: str | None) -> Engine:
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}", module=sqlcipher3, pool_size=16, max_overflow=64)

    @event.listens_for(engine, "connect")
    def unlock(connection: Any, _record: Any) -> None:
        connection.isolation_level = isolation_level
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA key = \"x'{key}'\"")
        cursor.execute(f"PRAGMA busy_timeout = {busy_timeout_milliseconds}")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.close()

    return engine


def open_postgresql(url: str) -> Engine:
    """An engine on PostgreSQL."""
    return create_engine(url, pool_size=16, max_overflow=32, pool_pre_ping=True)


class Database:
    """Transactions on one engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._reader = engine.execution_options(reading=True)
        self._writers = Writers() if engine.dialect.name == "sqlite" else None

    @contextmanager
    def write(self, *, urgent: bool = False) -> Iterator[Session]:
        """One writing transaction, committed at the end of the block.

        urgent: in a file, before this process's other writers. What people send us is: their provider waits.

        Raises:
            StorageConflict: another process stored the same thing first.
            StorageUnavailable: locked for longer than the busy timeout, read-only, full, or unreachable.
        """
        waits = URGENT_WAITS_SECONDS if urgent else OTHERS_WAIT_SECONDS
        turn = self._writers.turn(urgent=urgent, within_seconds=waits) if self._writers else nullcontext()
        with (
            self._named_failures(),
            turn,
            Session(self.engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One reading transaction.

        Raises:
            StorageUnavailable: locked, or unreachable.
        """
        with self._named_failures(), Session(self._reader, expire_on_commit=False) as session:
            yield session

    def is_well(self) -> bool:
        """Whether it answers."""
        try:
            with self.read() as session:
                session.execute(text("SELECT 1"))
        except StorageUnavailable:
            return False
        return True

    @staticmethod
    @contextmanager
    def _named_failures() -> Iterator[None]:
        try:
            yield
        except (OperationalError, InternalError, PoolTimeoutError, WaitedTooLong) as error:
            # InternalError: what PostgreSQL says of a server that has become read-only.
            raise StorageUnavailable(type(error).__name__) from error
        except IntegrityError as error:
            raise StorageConflict from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise StorageUnavailable(type(error).__name__) from error
            raise
