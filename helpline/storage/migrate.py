"""Bring the database to the newest shape."""

from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from helpline.storage.engine import StorageKeyWrong, StorageUnavailable

MIGRATION_LOCK = 772


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def migrate(engine: Engine) -> None:
    """Apply the migrations that are missing, one process at a time.

    Raises:
        StorageKeyWrong: the encrypted file cannot be opened with this key.
        StorageUnavailable: the database cannot be reached or written.
    """
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
            command.upgrade(_config(connection), "head")
    except DBAPIError as error:
        raise _named(error) from error


def is_current(engine: Engine) -> bool:
    """Whether every migration has been applied.

    Raises:
        StorageKeyWrong: the encrypted file cannot be opened with this key.
        StorageUnavailable: the database cannot be read.
    """
    try:
        with engine.connect() as connection:
            applied = MigrationContext.configure(connection).get_current_revision()
            return applied == ScriptDirectory.from_config(_config(connection)).get_current_head()
    except DBAPIError as error:
        raise _named(error) from error


def _named(error: DBAPIError) -> StorageKeyWrong | StorageUnavailable:
    if "not a database" in str(error.orig):
        return StorageKeyWrong()
    return StorageUnavailable(type(error).__name__)
