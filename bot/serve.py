"""Starts the assistant: `python bot/serve.py run`, or train, test nlu, shell, data validate and so on.

It adds what must never be forgotten: only this machine can connect, telemetry is off, no message text reaches
a log, one thread for each library, our files as defaults, and a start without TensorFlow where nothing needs
it. An argument that is given always wins over a default here, except the address to listen on.

Environment: HELPLINE_ACTION_URL (where the action server listens), HELPLINE_BOT_TOKEN (turns Rasa's own API
on, behind this token), HELPLINE_PLAIN_RASA=1 (always start with TensorFlow), HELPLINE_BOT_LOG_LEVEL (WARNING;
never below INFO, because Rasa's debug lines are made of message text).
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

BOT = Path(__file__).resolve().parent
ROOT = BOT.parent
PLAIN = "HELPLINE_PLAIN_RASA"
LOOPBACK = "127.0.0.1"
DEFAULT_ACTION_URL = f"http://{LOOPBACK}:5055/webhook"
MODELS = ROOT / "var" / "models"
LOG_LEVELS = ("INFO", "WARNING", "ERROR", "CRITICAL")

TRAIN: dict[tuple[str, ...], list[str | Path]] = {
    ("--config", "-c"): [ROOT / "config.yml"],
    ("--domain", "-d"): [BOT / "domain"],
    ("--data",): [ROOT / "nlu", ROOT / "stories"],
}
# What each command is given unless the command line says otherwise: the option with its other names, and the
# values.
DEFAULTS: dict[str, dict[tuple[str, ...], list[str | Path]]] = {
    "run": {
        ("--model", "-m"): [MODELS],
        ("--endpoints",): [BOT / "endpoints.yml"],
        ("--credentials",): [BOT / "credentials.yml"],
        ("--port", "-p"): ["5005"],
    },
    "shell": {("--model", "-m"): [MODELS], ("--endpoints",): [BOT / "endpoints.yml"]},
    "train": {**TRAIN, ("--out",): [MODELS], ("--fixed-model-name",): ["assistant"]},
    "test": {("--model", "-m"): [MODELS], ("--out",): [ROOT / "var" / "results"]},
    "data": TRAIN,
}


def arguments(given: list[str], environment: dict[str, str]) -> list[str]:
    """Return Rasa's command line: what was given, our defaults, and what is not negotiable.

    Paths in the defaults are the repository's own, so the command may be started from anywhere.
    """
    options = [one for one in given if one not in ("--debug", "-vv", "--verbose", "-v")]
    command = options[0] if options else ""
    for names, values in DEFAULTS.get(command, {}).items():
        # A talk with the language half alone has no actions to call.
        if options[:2] == ["shell", "nlu"] and "--endpoints" in names:
            continue
        if not any(one.split("=")[0] in names for one in options):
            options += [names[0], *map(str, values)]
    if command == "run" and options[1:2] != ["actions"]:
        # The last one wins, so nothing on the command line can open the door.
        options += ["--interface", LOOPBACK]
        if environment.get("HELPLINE_BOT_TOKEN"):
            options += ["--enable-api", "--auth-token", environment["HELPLINE_BOT_TOKEN"]]
    return options


def prepare_environment() -> None:
    """Set what the libraries read from the environment, before any of them is imported."""
    level = os.environ.get("HELPLINE_BOT_LOG_LEVEL", "WARNING").upper()
    fixed = {
        "RASA_TELEMETRY_ENABLED": "false",
        # Rasa's cache of trained parts looks at a component's own class only, not at the modules that it uses: after
        # a change there it would hand out the old model.
        "RASA_MAX_CACHE_SIZE": "0",
        "LOG_LEVEL": level if level in LOG_LEVELS else "INFO",
        "LOG_LEVEL_LIBRARIES": "ERROR",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    }
    os.environ.update(fixed)
    for name in (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
    ):
        os.environ.setdefault(name, "1")
    os.environ.setdefault("HELPLINE_ACTION_URL", DEFAULT_ACTION_URL)
    warnings.showwarning = _without_deprecations(warnings.showwarning)
    if str(BOT) not in sys.path:
        sys.path.insert(0, str(BOT))


def _without_deprecations(show: Callable[..., None]) -> Callable[..., None]:
    """Return a way to show warnings that passes over old names in libraries: they are frozen, and that is known."""

    def chosen(message: Warning | str, category: type[Warning], *args: object, **kwargs: object) -> None:
        if not issubclass(category, DeprecationWarning):
            show(message, category, *args, **kwargs)

    return chosen


def option_value(options: list[str], names: tuple[str, ...]) -> str | None:
    """Return the value of the option with one of these names, or None."""
    for place, option in enumerate(options):
        if option in names and place + 1 < len(options):
            return options[place + 1]
        if option.split("=")[0] in names and "=" in option:
            return option.split("=", 1)[1]
    return None


def can_do_without_tensorflow(options: list[str]) -> bool:
    """Say whether everything that this command will load is known not to need TensorFlow."""
    from without_tensorflow import components_in_config, components_in_model, needless

    command = options[0] if options else ""
    if command in ("run", "shell", "test"):
        model = Path(option_value(options, ("--model", "-m")) or MODELS)
        if model.is_dir():
            model = max(model.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)
        return needless(components_in_model(model))
    if command in ("train", "data"):
        return needless(components_in_config(Path(option_value(options, ("--config", "-c")) or ROOT / "config.yml")))
    return False


def start_without_tensorflow(options: list[str]) -> bool:
    """Import Rasa without TensorFlow if that is safe; say once if it was wanted and did not work."""
    if os.environ.get(PLAIN):
        return False
    import without_tensorflow

    try:
        if not can_do_without_tensorflow(options):
            return False
        without_tensorflow.install()
    except Exception as error:
        without_tensorflow.uninstall()
        say_plain(error)
        return False
    return True


def say_plain(error: BaseException) -> None:
    """Tell whoever started us that this start is the slow one."""
    print(
        f"The quick start was not possible ({type(error).__name__}), so TensorFlow is loaded.",
        file=sys.stderr,
    )


def needs_tensorflow(error: BaseException | None) -> bool:
    """Say whether this error, or one that caused it, is a call to TensorFlow."""
    while error is not None:
        if type(error).__name__ == "TensorFlowNeeded":
            return True
        error = error.__cause__ or error.__context__
    return False


# Rasa wants a reply in the domain, and its own selector, for every intent with a slash in its name. Ours come
# from the guide, through the action server; and two intents come from a component, not from sentences. So
# these warnings (the first of them once for each training sentence) say nothing.
NEEDLESS_WARNINGS = (
    "Your training data contains an example",
    "You have defined training data with examples",
    "The following duplicated intents have been found across multiple domain files: guide, small_talk",
    "Action 'utter_guide' is listed as a response action",
    "The intent 'answer' is listed in the domain file",
    "The intent 'give_place' is listed in the domain file",
    "The utterance 'utter_small_talk' is not used",
)


def quieten_needless_warnings() -> None:
    """Keep those warnings of Rasa's back that can never be about a mistake here."""
    import rasa.shared.utils.io

    warn = rasa.shared.utils.io.raise_warning

    def chosen(message: str, *args: object, **kwargs: object) -> None:
        if not message.startswith(NEEDLESS_WARNINGS):
            warn(message, *args, **kwargs)

    rasa.shared.utils.io.raise_warning = chosen


def check_the_action_servers_replies_quickly() -> None:
    """Keep Rasa's check of every reply from the action server, without its check of the check.

    Rasa 3.6.21 proves its own fixed JSON schema valid again for each reply, which was four fifths of a turn's cost.
    """
    from jsonschema.validators import validator_for
    from rasa.core.actions.action import RemoteAction

    schema = RemoteAction.action_response_format_spec()
    validator = validator_for(schema)(schema)

    def checked(_action: object, reply: object) -> bool:
        validator.validate(reply)
        return True

    RemoteAction._validate_action_result = checked


def run_rasa(options: list[str]) -> None:
    """Run Rasa's command line with message text kept out of its logs."""
    import rasa.__main__ as rasa_cli
    import redaction

    redaction.guard_standard_logging()
    redaction.listen_to_messages()
    quieten_needless_warnings()
    check_the_action_servers_replies_quickly()
    set_up_structured_logging = rasa_cli.configure_structlog

    def guarded(log_level: int | None = None) -> None:
        set_up_structured_logging(log_level)
        redaction.guard_structured_logging()

    rasa_cli.configure_structlog = guarded
    sys.argv = ["rasa", *options]
    rasa_cli.main()


def main() -> None:
    """Start."""
    command_line = [sys.executable, *sys.argv]
    prepare_environment()
    options = arguments(sys.argv[1:], dict(os.environ))
    quick = start_without_tensorflow(options)
    try:
        run_rasa(options)
    except Exception as error:
        if not (quick and needs_tensorflow(error)):
            raise
        say_plain(error)
        os.environ[PLAIN] = "1"
        os.execv(sys.executable, command_line)


if __name__ == "__main__":
    main()
