"""What every test starts from: the real content, a fresh database of each kind, stand-ins at the ports."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from channels.gateway import Gateway, Work
from channels.registry import CHANNELS
from content.safety_schema import load_safety
from content.schema import Content, load_content
from helpline.bootstrap import read_yes_no
from helpline.danger_reader import DangerReader
from helpline.directory_index import DirectorySearch
from helpline.domain.safety import SafetyContent, SafetyScanner
from helpline.domain.staff_hours import Staffing
from helpline.ports import Clock
from helpline.services.core import Core
from helpline.settings import REPOSITORY
from helpline.spool import Spool
from helpline.storage.addresses import AddressBook
from helpline.storage.engine import Database, open_encrypted_file, open_postgresql
from helpline.storage.migrate import migrate
from helpline.storage.models import Base
from tests.fakes import RecordingAlerts, RecordingSender, ScriptedAssistant, SettableClock
from tests.running_helpline import live_url, running_helpline

__all__ = ["live_url", "running_helpline"]

FILE_KEY = "5a" * 32
ADDRESS_KEY = Fernet.generate_key().decode()
HASH_KEY = "test-hash-key"
POSTGRESQL = os.environ.get("HELPLINE_TEST_DATABASE_URL", "postgresql+psycopg://127.0.0.1:5432/postgres")


@pytest.fixture(scope="session")
def content() -> Content:
    return load_content(REPOSITORY / "content")


@pytest.fixture(scope="session")
def safety() -> SafetyContent:
    return load_safety(REPOSITORY / "content" / "safety")


@pytest.fixture(scope="session")
def scanner(safety: SafetyContent) -> SafetyScanner:
    return SafetyScanner(safety, DangerReader())


@pytest.fixture(scope="session")
def postgresql_url() -> str:
    """The server to make databases on. In CI a missing one is a failure; elsewhere its tests are skipped."""
    server = create_engine(POSTGRESQL)
    try:
        with server.connect():
            return POSTGRESQL
    except OperationalError:
        if os.environ.get("CI"):
            raise
        pytest.skip("PostgreSQL does not answer; set HELPLINE_TEST_DATABASE_URL to run these tests on it")
    finally:
        server.dispose()


@contextmanager
def new_postgresql_database(server: str) -> Iterator[str]:
    """The address of an empty database, dropped at the end. Making one takes a second, so share it where you can."""
    name = f"helpline_test_{uuid.uuid4().hex}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield server.rpartition("/")[0] + f"/{name}"
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_url: str) -> Iterator[str]:
    with new_postgresql_database(postgresql_url) as url:
        made = open_postgresql(url)
        migrate(made)
        made.dispose()
        yield url


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "helpline.db"
    made = open_encrypted_file(path, FILE_KEY)
    migrate(made)
    made.dispose()
    return path


def empty(url: str) -> None:
    """Take everything out of a database on PostgreSQL."""
    made = create_engine(url)
    with made.begin() as connection:
        tables = ", ".join(table.name for table in Base.metadata.sorted_tables)
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY"))
    made.dispose()


@pytest.fixture(params=["embedded", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """None for the embedded file; the address of a migrated and empty database on PostgreSQL."""
    if request.param == "embedded":
        return None
    url: str = request.getfixturevalue("migrated_postgresql")
    empty(url)
    return url


@pytest.fixture
def engine(database_url: str | None, migrated_file: Path, tmp_path: Path) -> Iterator[Engine]:
    if database_url:
        made = open_postgresql(database_url)
    else:
        shutil.copy(migrated_file, tmp_path / "helpline.db")
        made = open_encrypted_file(tmp_path / "helpline.db", FILE_KEY)
    yield made
    made.dispose()


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


def make_core(engine: Engine, clock: Clock, content: Content, safety: SafetyContent, scanner: SafetyScanner) -> Core:
    return Core(
        database=Database(engine),
        clock=clock,
        addresses=AddressBook(ADDRESS_KEY, HASH_KEY),
        guide=content.guide,
        words=content.words,
        control_words=content.control_words,
        gazetteer=content.gazetteer,
        scanner=scanner,
        safety=safety,
        forms={channel.name: channel.form for channel in CHANNELS},
        service_name="Essex Care Line",
        staffing=Staffing(),
        read_yes_no=read_yes_no,
        taxonomy=content.taxonomy,
        directory=DirectorySearch(Database(engine)),
        talk=content.talk,
        languages=content.languages,
        off_topic=content.off_topic,
    )


@pytest.fixture
def core(engine: Engine, clock: SettableClock, content: Content, safety: SafetyContent, scanner: SafetyScanner) -> Core:
    return make_core(engine, clock, content, safety, scanner)


@pytest.fixture
def assistant() -> ScriptedAssistant:
    return ScriptedAssistant()


@pytest.fixture
def sender() -> RecordingSender:
    return RecordingSender()


@pytest.fixture
def alerts() -> RecordingAlerts:
    return RecordingAlerts()


class StartedWork:
    """What the gateway has asked to be started, in order."""

    def __init__(self) -> None:
        self.turns: list[int] = []
        self.sends: list[int] = []

    def as_work(self) -> Work:
        return Work(
            queue_turn=lambda message_id, contact_id: self.turns.append(message_id),
            send_at_once=lambda entry_id, contact_id: self.sends.append(entry_id),
        )


@pytest.fixture
def started() -> StartedWork:
    return StartedWork()


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool", ADDRESS_KEY)


@pytest.fixture
def gateway(
    core: Core, sender: RecordingSender, started: StartedWork, spool: Spool, alerts: RecordingAlerts
) -> Gateway:
    return Gateway(core, {"sms": sender, "telegram": sender, "web": sender}, started.as_work(), spool, alerts)
