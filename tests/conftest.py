"""What every test starts from: the real content, a fresh database of each kind, stand-ins at the ports."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from channels.gateway import Gateway, Work
from channels.registry import CHANNELS
from content.safety_schema import load_safety
from content.schema import Content, load_content
from helpline.domain.safety import SafetyContent, SafetyScanner
from helpline.services.core import Core
from helpline.settings import REPOSITORY
from helpline.spool import Spool
from helpline.storage.addresses import AddressBook
from helpline.storage.engine import Database, open_encrypted_file, open_postgresql
from helpline.storage.migrate import migrate
from tests.fakes import RecordingAlerts, RecordingSender, ScriptedAssistant, SettableClock

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
    return SafetyScanner(safety)


@pytest.fixture(scope="session")
def postgresql_url() -> str:
    """The server to make databases on. In CI a missing one is a failure; elsewhere its tests are skipped."""
    try:
        with create_engine(POSTGRESQL).connect():
            return POSTGRESQL
    except OperationalError:
        if os.environ.get("CI"):
            raise
        pytest.skip("PostgreSQL does not answer; set HELPLINE_TEST_DATABASE_URL to run these tests on it")


@pytest.fixture(params=["embedded", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """None for the embedded file; the address of a fresh database on PostgreSQL."""
    if request.param == "embedded":
        yield None
        return
    server = request.getfixturevalue("postgresql_url")
    name = f"helpline_test_{uuid.uuid4().hex}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield server.rpartition("/")[0] + f"/{name}"
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def engine(database_url: str | None, tmp_path: Path) -> Iterator[Engine]:
    made = open_postgresql(database_url) if database_url else open_encrypted_file(tmp_path / "helpline.db", FILE_KEY)
    migrate(made)
    yield made
    made.dispose()


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def core(engine: Engine, clock: SettableClock, content: Content, safety: SafetyContent, scanner: SafetyScanner) -> Core:
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
    )


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
    return Gateway(core, {"sms": sender, "web": sender}, started.as_work(), spool, alerts)
