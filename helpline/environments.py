"""The assistant's own environment and its model: made on first use, made again when their sources change."""

import hashlib
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from helpline.keys import Keys
from helpline.settings import REPOSITORY, Settings

BOT = REPOSITORY / "bot"
BOT_PYTHON = BOT / ".venv" / "bin" / "python"
SERVE = BOT / "serve.py"
MODEL_NAME = "assistant"

_FOREIGN_VARIABLES = (
    "VIRTUAL_ENV",
    "UV_PYTHON",
    "UV_PROJECT",
    "UV_PROJECT_ENVIRONMENT",
    "PYENV_VERSION",
    "PYENV_DIR",
    "PYTHONPATH",
    "PYTHONHOME",
)


class SetUpFailed(Exception):
    """The environment or the model could not be made; the message says what to do."""


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(str(path.relative_to(REPOSITORY)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _FOREIGN_VARIABLES}


def assistant_environment(settings: Settings, keys: Keys) -> dict[str, str]:
    """What the assistant's process gets to know: where its actions are and its token, and none of our keys."""
    environment = {name: value for name, value in _clean_environment().items() if not name.startswith("HELPLINE_")}
    environment |= {
        "HELPLINE_ACTION_URL": f"{settings.actions_url}/webhook",
        "HELPLINE_BOT_TOKEN": keys.assistant_token,
        "RASA_TELEMETRY_ENABLED": "false",
        "SANIC_HOST": "127.0.0.1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    if plain := os.environ.get("HELPLINE_PLAIN_RASA"):
        environment["HELPLINE_PLAIN_RASA"] = plain
    return environment


def bot_environment_is_made() -> bool:
    """Whether the assistant's environment stands as its lock file says."""
    return _bot_mark().exists()


def _bot_mark() -> Path:
    return BOT / ".venv" / f".made-from-{_digest([BOT / 'requirements.lock'])[:16]}"


def make_bot_environment() -> None:
    """Make the assistant's environment. Raises SetUpFailed."""
    if bot_environment_is_made():
        return
    uv = os.environ.get("HELPLINE_UV") or shutil.which("uv")
    if not uv:
        raise SetUpFailed("uv was not found. Start with bin/helpline, which fetches it.")
    wanted = (BOT / ".python-version").read_text().strip()
    steps: list[tuple[Sequence[str], str]] = [
        (["venv", "-q", "--allow-existing"], f"Python {wanted} was not found and could not be fetched."),
        (
            ["pip", "sync", "-q", "--require-hashes", "requirements.lock"],
            "The assistant's packages could not be installed. Is the network up, and is there 3 GB of room?",
        ),
    ]
    for arguments, failure in steps:
        done = subprocess.run([uv, *arguments], cwd=BOT, env=_clean_environment(), capture_output=True, text=True)
        if done.returncode != 0:
            raise SetUpFailed(f"{failure} ({_last_line(done.stderr)})")
    _bot_mark().touch()


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else "no further word"


def model_path(settings: Settings) -> Path:
    """Where the trained model lies."""
    return settings.model_file or settings.data_folder / "models" / f"{MODEL_NAME}.tar.gz"


def _model_sources() -> list[Path]:
    folders = ["nlu", "stories", "bot/domain", "bot/components"]
    found = [path for folder in folders for path in (REPOSITORY / folder).rglob("*") if path.suffix in {".yml", ".py"}]
    return [*found, REPOSITORY / "config.yml", BOT / "serve.py", BOT / "requirements.lock"]


def _model_mark(settings: Settings) -> Path:
    return model_path(settings).with_suffix(".sources")


def model_is_current(settings: Settings) -> bool:
    """Whether the model was trained from the sources as they are now; one given by a setting is taken as it is."""
    if settings.model_file is not None:
        return settings.model_file.exists()
    mark = _model_mark(settings)
    return model_path(settings).exists() and mark.exists() and mark.read_text() == _digest(_model_sources())


def check_model(settings: Settings) -> None:
    """Look into the trained model's file. Raises SetUpFailed if it is none: Rasa itself would start without one."""
    path = model_path(settings)
    try:
        with tarfile.open(path) as archive:
            names = {name.removeprefix("./") for name in archive.getnames()}
    except (tarfile.TarError, OSError, EOFError):
        names = set()
    if "metadata.json" not in names:
        raise SetUpFailed(f"The language model {path} is damaged or missing. Run: bin/helpline train")


def train(settings: Settings, keys: Keys) -> None:
    """Train the model. Raises SetUpFailed."""
    target = model_path(settings)
    target.parent.mkdir(parents=True, exist_ok=True)
    sources = _digest(_model_sources())
    done = subprocess.run(
        [BOT_PYTHON, SERVE, "train", "--out", str(target.parent), "--fixed-model-name", MODEL_NAME],
        cwd=REPOSITORY,
        env=assistant_environment(settings, keys),
        capture_output=True,
        text=True,
    )
    log = settings.data_folder / "log" / "train.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(done.stdout + done.stderr)
    if done.returncode != 0 or not target.exists():
        raise SetUpFailed(f"The model could not be trained: {_last_line(done.stderr)} (all of it: {log})")
    _model_mark(settings).write_text(sources)


def run_rasa(settings: Settings, keys: Keys, arguments: Sequence[str]) -> int:
    """Run one of Rasa's own commands in the assistant's environment; gives its exit code."""
    return subprocess.run(
        [BOT_PYTHON, SERVE, *arguments], cwd=REPOSITORY, env=assistant_environment(settings, keys)
    ).returncode
