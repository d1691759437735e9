"""What can be wrong before anything starts gives one clear sentence."""

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from helpline.cli import cli
from helpline.doctor import examine
from helpline.environments import SetUpFailed, check_model
from helpline.settings import REPOSITORY, Settings
from tests.running_helpline import free_port


def model_of(path: Path, *names: str) -> Settings:
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    return Settings(model_file=path)


def test_a_whole_model_passes(tmp_path: Path) -> None:
    check_model(model_of(tmp_path / "model.tar.gz", "metadata.json", "components/one.json"))


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x1f\x8b\x08\x00"])
def test_a_damaged_model_is_refused_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.tar.gz"
    path.write_bytes(content)
    with pytest.raises(SetUpFailed, match="bin/helpline train"):
        check_model(Settings(model_file=path))


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetUpFailed, match="bin/helpline train"):
        check_model(model_of(tmp_path / "model.tar.gz", "holiday.jpg"))


def test_a_missing_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetUpFailed, match="bin/helpline train"):
        check_model(Settings(model_file=tmp_path / "none.tar.gz"))


@pytest.mark.parametrize("command", ["app", "up"])
def test_a_site_that_is_no_origin_is_named_in_one_line_and_nothing_is_started(tmp_path: Path, command: str) -> None:
    ports = {f"HELPLINE_{part}PORT": str(free_port()) for part in ("", "ASSISTANT_", "ACTIONS_")}
    wrong = {"HELPLINE_DATA_FOLDER": str(tmp_path), "HELPLINE_EMBED_ORIGINS": "www.council.example"}
    done = subprocess.run(
        [sys.executable, "-m", "helpline", command],
        cwd=REPOSITORY,
        env=os.environ | ports | wrong,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    line = done.stderr.splitlines()[-1]
    assert line.startswith("helpline: HELPLINE_EMBED_ORIGINS: 'www.council.example' is not an origin such as https://")


@pytest.mark.parametrize("variable", ["HELPLINE_PORT", "HELPLINE_SMS_ANSWER_COUNTRIES", "HELPLINE_TELEGRAM_MODE"])
def test_a_wrong_setting_is_named_in_one_line_that_does_not_show_it(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "a secret in the wrong place")
    done = CliRunner().invoke(cli, ["doctor"])
    assert done.exit_code == 1
    [line] = done.output.splitlines()
    assert line.startswith(f"helpline: {variable}: ") and "secret" not in line


def test_the_doctor_names_a_site_that_is_no_origin(tmp_path: Path) -> None:
    findings = examine(Settings(data_folder=tmp_path, embed_origins="www.council.example"))
    assert [finding.is_fault for finding in findings if "HELPLINE_EMBED_ORIGINS" in finding.how_it_is] == [True]
