"""What the repository's files may say, and that what they name is there."""

import re
import subprocess
from pathlib import Path

import pytest

from helpline.settings import REPOSITORY

# Files that the product makes or that stand for files of that kind.
MADE = ("var/", "bot/.venv", ".venv", "path/", "reviewed/")
NAMED = re.compile(
    r"`([A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.*<>-]+)+/?)(?::\w+)?`|`([A-Za-z0-9_-]+\.(?:py|md|yml|toml|lock))`"
)


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [Path(name) for name in listed.split("\0") if name and (REPOSITORY / name).is_file()]


def text_of(path: Path) -> str:
    try:
        return (REPOSITORY / path).read_text()
    except UnicodeDecodeError:
        return ""


def test_every_file_named_on_the_page_about_a_messages_way_exists() -> None:
    page = REPOSITORY / "docs" / "how_a_message_travels.md"
    assert page.exists()
    named = {first or second for first, second in NAMED.findall(page.read_text())}
    paths = {name for name in named if not name.startswith(MADE) and not set("<>*") & set(name)}
    assert paths
    missing = [
        name
        for name in sorted(paths)
        if not (REPOSITORY / name).exists() and "/" in name and not (REPOSITORY / "helpline" / name).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("path", ["requirements.lock", "bot/requirements.lock", "uv.lock", "bot/uv.lock"])
def test_no_lock_file_names_a_registry(path: str) -> None:
    if Path(path) not in tracked():
        assert not path.endswith("requirements.lock"), "the lock files are part of the repository"
        return
    named = set(re.findall(r"https?://([^/\s\"']+)", text_of(Path(path))))
    assert named == set()
    assert "--index-url" not in text_of(Path(path))


def test_no_file_speaks_of_the_machine_that_it_was_written_on() -> None:
    machine = re.compile(r"(?<![\w.])/(?:work|home|root|Users)/\w+|\.\./shared\b")
    found = [
        f"{path}: {match.group()}"
        for path in tracked()
        if path.parts[0] != ".ci" and path != Path("tests/repo/test_files.py")
        for match in machine.finditer(text_of(path))
    ]
    assert found == []


def test_no_key_or_data_of_an_installation_is_in_the_repository() -> None:
    kept = [str(path) for path in tracked() if path.name == "keys.json" or path.suffix in (".db", ".pem", ".key")]
    assert kept == []
    private = re.compile(r"\bAC[0-9a-f]{32}\b|\bSK[0-9a-f]{32}\b|-----BEGIN [A-Z ]*PRIVATE KEY")
    assert [str(path) for path in tracked() if private.search(text_of(path).replace("AC" + "0" * 32, ""))] == []


def test_no_phone_number_but_those_kept_for_drama_stands_in_a_test() -> None:
    number = re.compile(r"\+447(?!7009)\d{9}")
    found = [
        f"{path}: {match.group()}"
        for path in tracked()
        if path.parts[0] == "tests" and path.suffix == ".py"
        for match in number.finditer(text_of(path))
    ]
    assert found == []
