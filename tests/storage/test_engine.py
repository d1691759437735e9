"""What lies on disk, and what opens it."""

import shutil
import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import Engine, inspect, select, text
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from helpline.services.core import Core
from helpline.services.receiving import receive
from helpline.storage.addresses import AddressBook
from helpline.storage.engine import (
    Database,
    StorageConflict,
    StorageKeyWrong,
    StorageUnavailable,
    open_encrypted_file,
    open_encrypted_flow_file,
    open_postgresql,
)
from helpline.storage.migrate import _config, is_current, migrate
from helpline.storage.models import Base, Contact, Conversation, DangerCase
from tests.conftest import FILE_KEY
from tests.fakes import NOON, PHONE, text_from


def test_the_migrations_make_exactly_the_tables_that_the_models_describe(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
    assert is_current(engine)


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    before = inspect(engine).get_table_names()
    migrate(engine)
    assert inspect(engine).get_table_names() == before


def test_a_person_who_was_here_before_conversations_had_ids_keeps_their_place(engine: Engine) -> None:
    def move(target: str) -> None:
        with engine.begin() as connection:
            going = command.downgrade if target == "0004" else command.upgrade
            going(_config(connection), target)

    move("0004")
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO contact (id, channel, address_hash, address_encrypted, created_at, district, authority)"
                " VALUES ('c1', 'sms', 'h', 'e', :now, 'Harlow', 'essex')"
            ),
            {"now": NOON},
        )
        connection.execute(
            text(
                "INSERT INTO conversation (contact_id, assistant_id, topic, more_page, answers_since_asked,"
                " misunderstood_in_a_row) VALUES ('c1', 'a1', 'falls', 0, 0, 0)"
            )
        )
    move("head")
    with Session(engine) as session:
        contact = session.get_one(Contact, "c1")
        talk = session.get_one(Conversation, contact.conversation_id)
        assert (talk.topic, talk.district, talk.authority, talk.began_at) == ("falls", "Harlow", "essex", NOON)
    move("0004")
    with engine.begin() as connection:
        kept = connection.execute(
            text("SELECT topic, district FROM conversation JOIN contact ON contact_id = contact.id")
        )
        assert kept.all() == [("falls", "Harlow")]
    move("head")


def test_every_message_id_is_higher_than_all_before_even_after_rows_are_deleted(core: Core) -> None:
    first = receive(core, text_from("how do i get help", "SM1"))
    with core.database.write() as session:
        session.execute(text("DELETE FROM inbound"))
        session.execute(text("DELETE FROM thread_entry"))
    assert receive(core, text_from("how do i get help", "SM2")).message_id > first.message_id


def test_one_person_has_at_most_one_open_case_of_a_kind(core: Core) -> None:
    contact_id = receive(core, text_from("hello")).contact_id
    with core.database.write() as session:
        session.add(
            DangerCase(contact_id=contact_id, kind="suicide", state="closed", opened_at=NOON, last_evidence_at=NOON)
        )
        session.add(DangerCase(contact_id=contact_id, kind="suicide", opened_at=NOON, last_evidence_at=NOON))
    with pytest.raises(StorageConflict), core.database.write() as session:
        session.add(DangerCase(contact_id=contact_id, kind="suicide", opened_at=NOON, last_evidence_at=NOON))


def test_a_moment_is_stored_and_read_in_utc_whatever_zone_it_came_in(core: Core) -> None:
    contact_id = receive(core, text_from("hello")).contact_id
    ahead = NOON.astimezone(timezone(timedelta(hours=5)))
    with core.database.write() as session:
        session.get_one(Contact, contact_id).created_at = ahead
    with core.database.read() as session:
        read = session.get_one(Contact, contact_id).created_at
    assert read == NOON
    assert read.utcoffset() == timedelta(0)


def test_a_moment_without_a_time_zone_is_refused(core: Core) -> None:
    contact_id = receive(core, text_from("hello")).contact_id
    with pytest.raises(StatementError, match="time zone"), core.database.write() as session:
        session.get_one(Contact, contact_id).created_at = datetime(2026, 11, 23, 12, 0)


def test_an_address_is_nowhere_in_the_database_in_the_clear(core: Core) -> None:
    receive(core, text_from("hello"))
    with core.database.read() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(select(table)):
                assert PHONE.lstrip("+") not in repr(row)


def test_a_person_is_recognised_by_a_keyed_hash_though_their_address_is_never_encrypted_alike() -> None:
    key = Fernet.generate_key().decode()
    book = AddressBook(key, "one")
    assert book.encrypt(PHONE) != book.encrypt(PHONE)
    assert book.decrypt(book.encrypt(PHONE)) == PHONE
    assert book.find_by("sms", PHONE) == AddressBook(Fernet.generate_key().decode(), "one").find_by("sms", PHONE)
    assert book.find_by("sms", PHONE) != AddressBook(key, "two").find_by("sms", PHONE)
    assert book.find_by("sms", PHONE) != book.find_by("web", PHONE)
    assert book.find_by("sms", "ab") != book.find_by("smsa", "b")


def test_an_address_key_can_be_rotated_and_a_wrong_one_opens_nothing() -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    stored = AddressBook(old, "hash").encrypt(PHONE)
    rotated = AddressBook(f"{new}, {old}", "hash")
    assert rotated.decrypt(stored) == PHONE
    with pytest.raises(InvalidToken):
        AddressBook(new, "hash").decrypt(stored)
    assert AddressBook(new, "hash").decrypt(rotated.encrypt(PHONE)) == PHONE


def test_the_file_on_disk_is_ciphertext_from_its_first_byte(migrated_file: Path) -> None:
    content = migrated_file.read_bytes()
    assert not content.startswith(b"SQLite format 3")
    assert b"thread_entry" not in content
    with pytest.raises(sqlite3.DatabaseError), sqlite3.connect(migrated_file) as plain:
        plain.execute("SELECT count(*) FROM contact")
    plain.close()


def test_the_log_that_is_written_ahead_is_ciphertext_too(tmp_path: Path) -> None:
    for opened, name in ((open_encrypted_file, "ours.db"), (open_encrypted_flow_file, "flows.db")):
        engine = opened(tmp_path / name, FILE_KEY)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE kept (words TEXT)"))
            connection.execute(text("INSERT INTO kept VALUES ('canary-words')"))
        on_disk = b"".join(path.read_bytes() for path in tmp_path.glob(f"{name}*"))
        assert len(list(tmp_path.glob(f"{name}*"))) >= 2
        assert b"canary-words" not in on_disk
        engine.dispose()


def test_a_wrong_key_is_named_as_such_and_harms_nothing(migrated_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "helpline.db"
    shutil.copy(migrated_file, path)
    wrong = open_encrypted_file(path, "00" * 32)
    with pytest.raises(StorageKeyWrong):
        migrate(wrong)
    wrong.dispose()
    right = open_encrypted_file(path, FILE_KEY)
    assert is_current(right)
    right.dispose()


def test_every_connection_survives_a_power_cut_and_checks_its_references(migrated_file: Path, tmp_path: Path) -> None:
    shutil.copy(migrated_file, tmp_path / "helpline.db")
    engine = open_encrypted_file(tmp_path / "helpline.db", FILE_KEY)
    with engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    engine.dispose()


def test_a_failure_in_a_transaction_leaves_nothing_behind(core: Core) -> None:
    with pytest.raises(RuntimeError), core.database.write() as session:
        session.add(
            Contact(id="x", channel="sms", address_hash="h", address_encrypted="e", created_at=datetime.now(UTC))
        )
        session.flush()
        raise RuntimeError
    with core.database.read() as session:
        assert session.get(Contact, "x") is None


def test_a_database_that_does_not_open_is_unavailable_and_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "folder.db").mkdir()
    database = Database(open_encrypted_file(tmp_path / "folder.db", FILE_KEY))
    with pytest.raises(StorageUnavailable), database.write() as session:
        session.execute(text("SELECT 1"))
    with pytest.raises(StorageUnavailable), database.read() as session:
        session.execute(text("SELECT 1"))


def test_a_database_server_that_does_not_answer_is_unavailable_and_not_a_crash() -> None:
    engine = open_postgresql("postgresql+psycopg://127.0.0.1:1/nothing")
    with pytest.raises(StorageUnavailable), Database(engine).write() as session:
        session.execute(text("SELECT 1"))
    engine.dispose()
