"""Keys: made once, kept private, never printed."""

import json
import os
import stat
from pathlib import Path

import pytest

from helpline.keys import Keys, MissingKeys, load_keys
from helpline.settings import Settings

IN_ENVIRONMENT = {
    "HELPLINE_DATABASE_KEY": "11" * 32,
    "HELPLINE_ADDRESS_KEY": "secret-address-key",
    "HELPLINE_ADDRESS_HASH_KEY": "secret-hash-key",
    "HELPLINE_ASSISTANT_TOKEN": "secret-assistant-token",
    "HELPLINE_TWILIO_ACCOUNT_SID": "ACsecret",
    "HELPLINE_TWILIO_AUTH_TOKEN": "secret-auth-token",
}


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("HELPLINE_"):
            monkeypatch.delenv(name)


def test_the_keys_are_made_once_in_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    settings = Settings(data_folder=tmp_path / "new")
    made = load_keys(settings)
    path = tmp_path / "new" / "keys.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_keys(settings) == made
    assert len(made.database_key) == 64
    assert made != load_keys(Settings(data_folder=tmp_path / "other"))


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    settings = Settings(data_folder=tmp_path)
    made = load_keys(settings)
    (tmp_path / "keys.json").chmod(0o644)
    with pytest.raises(MissingKeys, match="chmod 600") as refused:
        load_keys(settings)
    assert made.database_key not in str(refused.value)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"x"', '{"database_key": "a"}'])
def test_a_damaged_key_file_is_refused_and_never_made_again(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(MissingKeys, match="Restore it from a backup"):
        load_keys(Settings(data_folder=tmp_path))
    assert path.read_text() == content


def test_a_key_from_the_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = load_keys(Settings(data_folder=tmp_path))
    monkeypatch.setenv("HELPLINE_TWILIO_AUTH_TOKEN", "given")
    mixed = load_keys(Settings(data_folder=tmp_path))
    assert mixed.twilio_auth_token == "given"
    assert mixed.database_key == kept.database_key
    assert "given" not in (tmp_path / "keys.json").read_text()


@pytest.mark.parametrize("missing", sorted(IN_ENVIRONMENT))
@pytest.mark.parametrize("empty", [False, True])
def test_production_without_one_key_refuses_naming_it_and_printing_no_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str, empty: bool
) -> None:
    monkeypatch.setenv("HELPLINE_ENVIRONMENT", "production")
    for name, value in IN_ENVIRONMENT.items():
        if name != missing:
            monkeypatch.setenv(name, value)
    if empty:
        monkeypatch.setenv(missing, "")
    with pytest.raises(MissingKeys) as refused:
        load_keys(Settings(data_folder=tmp_path))
    said = str(refused.value)
    assert missing in said
    assert not any(value in said for value in IN_ENVIRONMENT.values())
    assert not any(other in said.split(": ")[1].split(", ") for other in IN_ENVIRONMENT if other != missing)
    assert not (tmp_path / "keys.json").exists()


def test_production_with_every_key_in_the_environment_writes_none_to_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HELPLINE_ENVIRONMENT", "production")
    for name, value in IN_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "keys.json").write_text(json.dumps({name: "of-the-file" for name in Keys.__dataclass_fields__}))
    keys = load_keys(Settings(data_folder=tmp_path))
    assert keys.address_key == "secret-address-key"
    assert "of-the-file" not in repr(keys)


def test_settings_do_not_show_a_secret_when_they_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in IN_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    shown = repr(Settings()) + str(Settings().model_dump())
    for name, value in IN_ENVIRONMENT.items():
        if name != "HELPLINE_TWILIO_ACCOUNT_SID":
            assert value not in shown
