"""Making a database refuse to write, as it does when it is locked or read-only."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import Engine, create_engine, event, text

from helpline.services.core import Core
from helpline.storage.engine import Database, open_postgresql
from tests.conftest import FILE_KEY


@contextmanager
def read_only(engine: Engine) -> Iterator[None]:
    """The database answers questions and refuses every change, as a full disk or a standby server does."""
    if engine.dialect.name == "postgresql":
        name = engine.url.database
        admin = create_engine(engine.url.set(database="postgres"), isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
        engine.dispose()
        try:
            yield
        finally:
            with admin.connect() as connection:
                connection.execute(text(f"ALTER DATABASE {name} RESET default_transaction_read_only"))
            admin.dispose()
            engine.dispose()
        return

    def refuse_changes(connection: object, *_: object) -> None:
        connection.execute("PRAGMA query_only = ON")  # type: ignore[attr-defined]

    event.listen(engine, "connect", refuse_changes)
    engine.dispose()
    try:
        yield
    finally:
        event.remove(engine, "connect", refuse_changes)
        engine.dispose()


@contextmanager
def held_by_another_process(engine: Engine) -> Iterator[None]:
    """Somebody else holds the whole database; our patience with them is cut to a tenth of a second."""
    if engine.dialect.name == "postgresql":

        def be_impatient(connection: object, *_: object) -> None:
            with connection.cursor() as cursor:  # type: ignore[attr-defined]
                cursor.execute("SET lock_timeout = 100")
            connection.commit()  # type: ignore[attr-defined]

        event.listen(engine, "connect", be_impatient)
        engine.dispose()
        holder = create_engine(engine.url)
        try:
            with holder.begin() as connection:
                connection.execute(text("LOCK TABLE contact IN ACCESS EXCLUSIVE MODE"))
                yield
        finally:
            holder.dispose()
            event.remove(engine, "connect", be_impatient)
            engine.dispose()
        return

    import sqlcipher3

    def be_impatient_too(connection: object, *_: object) -> None:
        connection.execute("PRAGMA busy_timeout = 100")  # type: ignore[attr-defined]

    event.listen(engine, "connect", be_impatient_too)
    engine.dispose()
    holder = sqlcipher3.connect(engine.url.database, isolation_level=None)
    try:
        holder.execute(f"PRAGMA key = \"x'{FILE_KEY}'\"")
        holder.execute("BEGIN EXCLUSIVE")
        yield
        holder.execute("ROLLBACK")
    finally:
        holder.close()
        event.remove(engine, "connect", be_impatient_too)
        engine.dispose()


def without_a_database(core: Core) -> Core:
    """The same core on a database server that is not there."""
    return replace(core, database=Database(open_postgresql("postgresql+psycopg://127.0.0.1:1/nothing")))
