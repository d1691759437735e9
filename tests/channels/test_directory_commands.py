"""bin/helpline directory import and export, as somebody types them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from litestar import Litestar
from typer.testing import CliRunner

from channels.directory_api import PATH
from helpline.cli import cli
from helpline.services.core import Core
from helpline.services.directory_import import import_feed
from helpline.settings import REPOSITORY
from tests.channels.conftest import on_loopback
from tests.content.test_directory_schema import GOOD
from tests.made_services import a_feed, a_service

SHIPPED = str(REPOSITORY / "content" / "services" / "essex.json")
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The commands over a data folder of their own, which they make."""
    monkeypatch.setenv("HELPLINE_DATA_FOLDER", str(tmp_path / "data"))
    return lambda *words: CliRunner().invoke(cli, ["directory", *words])


def a_file(tmp_path: Path, *records: dict[str, Any]) -> str:
    path = tmp_path / "ours.json"
    path.write_text(json.dumps({"feed": "ours", "services": records}))
    return str(path)


def test_importing_says_what_it_did_and_doing_it_again_changes_nothing(run: Run) -> None:
    count = len(json.loads(Path(SHIPPED).read_text())["services"])
    first, again = run("import", SHIPPED), run("import", SHIPPED)
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert f"essex-helpline: {count} added, 0 changed, 0 unchanged, 0 withdrawn, 0 refused." in first.output
    assert f"essex-helpline: 0 added, 0 changed, {count} unchanged, 0 withdrawn, 0 refused." in again.output
    assert "kept but not shown to residents" in first.output


def test_importing_names_what_was_refused_and_why_and_takes_the_rest(run: Run, tmp_path: Path) -> None:
    done = run("import", a_file(tmp_path, GOOD, GOOD | {"id": "wrong", "area": ["Atlantis"]}))
    assert done.exit_code == 0
    assert "refused wrong: we do not know the area 'Atlantis'." in done.output
    assert "ours: 1 added, 0 changed, 0 unchanged, 0 withdrawn, 1 refused." in done.output


def test_a_record_that_was_taken_out_of_the_file_is_withdrawn(run: Run, tmp_path: Path) -> None:
    run("import", a_file(tmp_path, GOOD, GOOD | {"id": "another", "name": "Another"}))
    done = run("import", a_file(tmp_path, GOOD | {"name": "Renamed"}))
    assert "ours: 0 added, 1 changed, 0 unchanged, 1 withdrawn, 0 refused." in done.output


def test_a_feed_that_has_lost_most_of_its_services_changes_nothing_unless_somebody_says_it_is_right(
    run: Run, tmp_path: Path
) -> None:
    run("import", a_file(tmp_path, *(GOOD | {"id": f"one-{number}"} for number in range(12))))
    broken = run("import", a_file(tmp_path))
    assert broken.exit_code == 1 and "nothing was changed" in broken.output
    again = run("import", a_file(tmp_path, *(GOOD | {"id": f"one-{number}"} for number in range(12))))
    assert "0 added, 0 changed, 12 unchanged" in again.output
    assert "12 withdrawn" in run("import", a_file(tmp_path), "--withdraw-most").output


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("no-such-file.json", "cannot be opened"),
        ("content/replies.yml", "is no file of services"),
        ("http://127.0.0.1:1/oruk", "cannot be read: ConnectError"),
    ],
)
def test_what_cannot_be_read_is_one_sentence_and_no_crash(run: Run, source: str, sentence: str) -> None:
    done = run("import", source)
    assert done.exit_code == 1
    [line] = done.output.strip().splitlines()
    assert line.startswith("helpline: ") and sentence in line


def test_an_export_holds_what_is_published_whole(run: Run, tmp_path: Path) -> None:
    run("import", a_file(tmp_path, GOOD, GOOD | {"id": "closed", "name": "Closed", "status": "defunct"}))
    out = tmp_path / "out.json"
    done = run("export", str(out))
    assert done.exit_code == 0 and f"1 services written to {out}" in done.output
    [service] = json.loads(out.read_text())["services"]
    assert service["name"] == "Carers Together"
    assert [one["taxonomy_term"]["name"] for one in service["attributes"]] == [
        "caring for someone",
        "a break from caring",
    ]


def test_an_export_to_where_nothing_can_be_written_is_one_sentence_and_no_crash(run: Run, tmp_path: Path) -> None:
    done = run("export", str(tmp_path / "no-such-folder" / "out.json"))
    assert done.exit_code == 1
    assert "cannot be written" in done.output and "Traceback" not in done.output


def test_the_directory_of_another_helpline_is_imported_from_its_address(run: Run, app: Litestar, core: Core) -> None:
    import_feed(core, a_feed(a_service("Carers Together"), a_service("Second")))
    with on_loopback(app) as url:
        done = run("import", f"{url}{PATH}")
    assert done.exit_code == 0, done.output
    assert ": 2 added, 0 changed, 0 unchanged, 0 withdrawn, 0 refused." in done.output
