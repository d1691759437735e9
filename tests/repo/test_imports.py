"""Who may import whom. Imports run one way, and each library has one place."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from helpline.settings import REPOSITORY

FOLDERS = ("helpline", "channels", "actions", "content", "bot", "bench")
OURS = {"helpline", "channels", "actions", "content", "bot", "tests"}


@cache
def modules(*folders: str) -> tuple[Path, ...]:
    return tuple(_modules(*folders))


def _modules(*folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            if ".venv" not in path.parts and "node_modules" not in path.parts:
                yield path.relative_to(REPOSITORY)


@cache
def imported_by(path: Path) -> frozenset[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse((REPOSITORY / path).read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written in full"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return frozenset(found)


def importing(library: str, *folders: str) -> set[str]:
    return {
        str(path)
        for path in modules(*(folders or FOLDERS))
        if any(name == library or name.startswith(f"{library}.") for name in imported_by(path))
    }


def ours(path: Path) -> set[str]:
    return {name for name in imported_by(path) if name.partition(".")[0] in OURS}


def starts_with_one_of(name: str, allowed: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in allowed)


# What each part may use of ours. The more specific folder comes first.
MAY_USE = {
    "helpline/domain": ("helpline.domain",),
    "helpline/storage": ("helpline.storage", "helpline.domain"),
    "helpline/services": ("helpline.services", "helpline.domain", "helpline.storage", "helpline.ports"),
    "content": ("content", "helpline.domain"),
    "actions": ("actions", "helpline.services", "helpline.domain"),
    "bot": (),
    "channels/gateway.py": (
        "helpline.domain",
        "helpline.services",
        "helpline.ports",
        "helpline.spool",
        "helpline.storage.engine",
    ),
    "channels": (
        "channels",
        "helpline.domain",
        "helpline.services",
        "helpline.ports",
        "helpline.keys",
        "helpline.settings",
        "helpline.storage.engine",  # the name of one exception
        "helpline.storage.addresses",  # how an address is hashed
    ),
}


@pytest.mark.parametrize("path", modules(*FOLDERS), ids=str)
def test_imports_run_one_way(path: Path) -> None:
    part = next((part for part in MAY_USE if str(path) == part or str(path).startswith(f"{part}/")), None)
    if part is None:
        return
    # The parts of the assistant find each other by their file names alone.
    wrong = {name for name in ours(path) if not starts_with_one_of(name, MAY_USE[part])}
    assert wrong == set()


def test_only_storage_knows_the_database_library() -> None:
    assert {path for path in importing("sqlalchemy") if not path.startswith("helpline/storage/")} == set()


def test_only_storage_knows_the_encrypted_file() -> None:
    assert importing("sqlcipher3") == {"helpline/storage/engine.py"}


def test_only_one_module_knows_the_durable_engine() -> None:
    assert importing("dbos") == {"helpline/flows.py"}


def test_only_the_sms_channel_and_its_pretend_phone_know_twilio() -> None:
    assert all(path.startswith(("channels/sms_twilio/", "channels/simulator/")) for path in importing("twilio")), (
        importing("twilio")
    )


def test_only_the_telegram_channel_knows_telegrams_library() -> None:
    assert all(path.startswith("channels/telegram/") for path in importing("telegram")), importing("telegram")


def test_only_the_actions_know_rasas_sdk_and_only_the_assistant_knows_rasa() -> None:
    assert all(path.startswith("actions/") for path in importing("rasa_sdk"))
    # The measurement of the assistant runs in the assistant's own environment.
    assert all(path.startswith("bot/") for path in importing("rasa") - {"bench/nlu.py"})


@pytest.mark.parametrize("library", ["litestar", "uvicorn", "httpx", "requests", "jinja2"])
def test_the_use_cases_know_no_web(library: str) -> None:
    assert importing(library, "helpline/services", "helpline/domain", "helpline/storage", "content") == set()


def test_the_domain_touches_neither_network_nor_disk_nor_clock() -> None:
    for library in ("socket", "requests", "httpx", "os", "pathlib", "time", "sqlalchemy", "subprocess"):
        assert importing(library, "helpline/domain") == set(), library
    for path in modules("helpline/domain"):
        assert "datetime.now" not in (REPOSITORY / path).read_text(), path
