"""What can be wrong before anything starts gives one clear sentence."""

import io
import tarfile
from pathlib import Path

import pytest

from helpline.environments import SetUpFailed, check_model
from helpline.settings import Settings


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
