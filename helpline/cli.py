"""The command line: bin/helpline COMMAND."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console

from helpline.environments import (
    BOT_PYTHON,
    SERVE,
    SetUpFailed,
    assistant_environment,
    bot_environment_is_made,
    check_model,
    make_bot_environment,
    model_is_current,
    model_path,
    run_rasa,
    train,
)
from helpline.keys import MissingKeys, load_keys
from helpline.settings import REPOSITORY, Settings

if TYPE_CHECKING:
    from helpline.ports import Assistant
    from helpline.services.core import Core

cli = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A helpline and self-care coach, by text message and web chat.",
)
console = Console(stderr=True, highlight=False, soft_wrap=True)


def _fail(reason: str) -> NoReturn:
    console.print(f"helpline: {reason}", markup=False)
    raise typer.Exit(1)


def _read_settings() -> Settings:
    """The settings, or one sentence on what is wrong with them. What was set is not shown: it may be a secret."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)
        _fail("; ".join(f"HELPLINE_{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in wrong))


@contextmanager
def _one_clear_sentence() -> Iterator[None]:
    """Turn what can go wrong at a start into one sentence and a non-zero exit."""
    from channels.webchat.embed import BadOrigin
    from content.directory_schema import CannotReadServices
    from content.safety_schema import SafetyContentError
    from content.schema import ContentError
    from helpline.alerts import CannotAlert
    from helpline.case_list import CannotChangeCase
    from helpline.danger_reader import AlteredDangerModel
    from helpline.domain.staff_hours import StaffHoursError
    from helpline.services.directory_import import MostAreGone
    from helpline.storage.engine import StorageKeyWrong, StorageUnavailable
    from helpline.storage.executor_slot import SlotTaken
    from helpline.supervisor import CannotStart

    try:
        yield
    except KeyboardInterrupt:
        _fail("stopped.")
    except (MissingKeys, SetUpFailed, CannotStart) as error:
        _fail(str(error))
    except SafetyContentError as error:
        _fail(f"content/safety: {error} Nothing was started.")
    except ContentError as error:
        for problem in error.problems:
            console.print(f"  {problem}", markup=False)
        _fail(f"the content has {len(error.problems)} mistakes; nothing was started.")
    except SlotTaken:
        _fail("another helpline is already working on this data folder. Stop it first.")
    except (
        StaffHoursError,
        CannotAlert,
        CannotChangeCase,
        AlteredDangerModel,
        CannotReadServices,
        BadOrigin,
        MostAreGone,
    ) as error:
        _fail(str(error))
    except StorageKeyWrong:
        _fail("the database cannot be opened with this key. Restore the key that it was made with.")
    except StorageUnavailable as error:
        _fail(f"the database cannot be used at the moment ({error}).")


def _step(number: int, of: int, words: str, needed: bool, do: Callable[[], object]) -> None:
    if needed:
        with console.status(f"{number}/{of} {words} ..."):
            do()
        console.print(f"{number}/{of} {words}: done.", markup=False)


def _open_core(settings: Settings) -> "Core":
    """The product without its edges, on a database brought to its newest shape."""
    from helpline.bootstrap import build_core, open_engine
    from helpline.storage.migrate import migrate

    keys = load_keys(settings)
    engine = open_engine(settings, keys)
    migrate(engine)
    return build_core(settings, keys, engine)


def _set_up(settings: Settings) -> None:
    from channels.webchat.embed import read_origins
    from helpline.bootstrap import build_core, import_own_services, load_all_content, open_engine
    from helpline.storage.migrate import migrate

    keys = load_keys(settings)
    # The application reads them itself, but only after all of this.
    read_origins(settings.embed_origins)
    steps = 5
    _step(1, steps, "Checking the content", True, lambda: load_all_content(settings))
    engine = open_engine(settings, keys)
    _step(2, steps, "Bringing the database up to date", True, lambda: migrate(engine))
    core = build_core(settings, keys, engine)
    _step(3, steps, "Filling the directory of services", True, lambda: import_own_services(core, settings))
    _step(
        4,
        steps,
        "Making the assistant's environment (about 3 GB; a few minutes the first time)",
        not bot_environment_is_made(),
        make_bot_environment,
    )
    _step(
        5,
        steps,
        "Training the language model (a few minutes)",
        not model_is_current(settings),
        lambda: train(settings, keys),
    )
    check_model(settings)


@cli.command()
def up() -> None:
    """Set up what is missing, then run everything together until Ctrl-C."""
    from helpline.supervisor import Supervisor, check_ports, parts_of

    settings = _read_settings()
    # Also where a shell started us in the background, with the signal ignored: nothing of ours may outlive us.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    def show_where() -> None:
        console.print("")
        console.print(f"  Web chat          {settings.own_url}/chat", markup=False)
        if settings.uses_simulator:
            console.print(f"  Phone simulator   {settings.own_url}/simulator", markup=False)
        console.print("  In the terminal   bin/helpline talk", markup=False)
        console.print("")
        console.print("Everything is running. Ctrl-C stops it all.", markup=False)

    with _one_clear_sentence():
        parts = parts_of(settings, load_keys(settings))
        check_ports(parts)
        _set_up(settings)
        Supervisor(settings, parts, lambda words: console.print(words, markup=False)).run(show_where)
    console.print("Stopped.", markup=False)


@cli.command()
def assistant() -> None:
    """Run the assistant alone (Rasa, on loopback)."""
    from helpline.supervisor import die_with_supervisor

    settings = _read_settings()
    with _one_clear_sentence():
        keys = load_keys(settings)
        if not bot_environment_is_made():
            raise SetUpFailed("The assistant is not set up. Run: bin/helpline up")
        check_model(settings)
        model = model_path(settings)
    die_with_supervisor()
    os.chdir(REPOSITORY)
    os.execve(
        BOT_PYTHON,
        [str(BOT_PYTHON), str(SERVE), "run", "--model", str(model), "--port", str(settings.assistant_port)],
        assistant_environment(settings, keys),
    )


@cli.command()
def actions() -> None:
    """Run the action server alone (on loopback)."""
    import uvicorn

    from actions.server import create_actions_app
    from helpline.logs import set_up_logs
    from helpline.supervisor import die_with_supervisor

    die_with_supervisor()
    set_up_logs()
    settings = _read_settings()
    with _one_clear_sentence():
        core = _open_core(settings)
    uvicorn.run(
        create_actions_app(core),
        host="127.0.0.1",
        port=settings.actions_port,
        log_config=None,
        access_log=False,
    )


@cli.command()
def app() -> None:
    """Run the web application alone: the channels' webhooks, the pages and, unless told otherwise, the queues."""
    serve_app()


def serve_app(assistant: "Assistant | None" = None) -> None:
    """Serve the web application until a signal ends it. assistant stands in for the real one in a measurement."""
    import uvicorn

    from channels.app import create_app
    from helpline.bootstrap import build, launch_flows, stop_flows, take_slot
    from helpline.logs import set_up_logs
    from helpline.supervisor import die_with_supervisor

    die_with_supervisor()
    set_up_logs()
    settings = _read_settings()
    with _one_clear_sentence():
        product = build(settings, assistant=assistant)
        slot = take_slot(settings, product.engine)
        application = create_app(
            product.channel_context(),
            product.assistant,
            product.core,
            start=lambda: launch_flows(product, slot),
            stop=lambda: stop_flows(product),
        )
    uvicorn.run(
        application,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        # The pages' streams of events never end by themselves.
        timeout_graceful_shutdown=2,
    )


@cli.command()
def worker() -> None:
    """Run a worker alone: takes turns and sends from the queues (PostgreSQL only)."""
    import threading

    from helpline.bootstrap import build, launch_flows, stop_flows, take_slot
    from helpline.logs import set_up_logs

    set_up_logs()
    settings = _read_settings()
    if not settings.database_url:
        _fail("a worker of its own needs PostgreSQL: set HELPLINE_DATABASE_URL. Embedded, the app does this work.")
    with _one_clear_sentence():
        product = build(settings)
        launch_flows(product, take_slot(settings, product.engine))
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()
    stop_flows(product)


@cli.command()
def talk() -> None:
    """Chat in the terminal, with the helpline that runs (or one started for the purpose)."""
    from helpline.terminal import talk_in_terminal

    with _one_clear_sentence():
        talk_in_terminal(_read_settings(), console)


@cli.command(name="train")
def train_command() -> None:
    """Train the language model."""
    settings = _read_settings()
    with _one_clear_sentence():
        make_bot_environment()
        with console.status("Training ..."):
            train(settings, load_keys(settings))
    console.print(f"Trained: {model_path(settings)}", markup=False)


def _report(checked: str, mistakes: Iterable[object]) -> None:
    """Print what is wrong and end there, or say that nothing is. Each of the mistakes reads as a sentence."""
    found = [str(mistake) for mistake in mistakes]
    for mistake in found:
        console.print(f"  {mistake}", markup=False)
    if found:
        _fail(f"{checked}: {len(found)} mistakes.")
    console.print(f"{checked}: no mistakes.", markup=False)


@cli.command()
def check(
    quick: Annotated[bool, typer.Option(help="Leave out Rasa's own validation (half a minute).")] = False,
) -> None:
    """Check the content, the training text and the rules."""
    from content.longest_values import part_problems
    from content.reading_age import load_names, reading_age_problems
    from content.resident_texts import resident_texts
    from content.safety_examples import load_examples
    from helpline.checks import check_small_talk, check_training_text, small_talk_texts

    settings = _read_settings()
    with _one_clear_sentence():
        from content.directory_schema import wording_problems
        from helpline.bootstrap import load_all_content, own_feeds

        content, safety = load_all_content(settings)
        for warning in content.warnings:
            console.print(f"  could be better: {warning}", markup=False)
        console.print(f"Content: {len(content.guide.topics)} topics, no mistakes.", markup=False)
        feeds = own_feeds(settings, content)
        _report("Directory of services", (one for file, feed in feeds for one in wording_problems(file, feed)))
        small_talk = small_talk_texts(REPOSITORY / "bot" / "domain" / "small_talk.yml")
        services = [service for _, feed in feeds for service in feed.services]
        _report("Text messages", (*part_problems(content, services), *check_small_talk(small_talk)))
        texts = [*resident_texts(content, safety, feeds), *small_talk]
        names = load_names(settings.content_folder)
        _report(f"Reading age of {len(texts)} texts", reading_age_problems(texts, names))
        _report("Training text", check_training_text(content.guide, REPOSITORY / "nlu"))
        examples = load_examples(settings.content_folder / "safety" / "examples")
        console.print(f"Examples of danger and of none: {len(examples)}, no mistakes.", markup=False)
        if not quick:
            make_bot_environment()
            if run_rasa(settings, load_keys(settings), ["data", "validate"]) != 0:
                _fail("Rasa's own validation found mistakes; they are above.")
            console.print("Rasa's own validation: no mistakes.", markup=False)


@cli.command()
def doctor() -> None:
    """Say what is set up, what is missing, and what can be reached."""
    from helpline.doctor import examine

    findings = examine(_read_settings())
    for finding in findings:
        console.print(str(finding), markup=False)
    if any(finding.is_fault for finding in findings):
        raise typer.Exit(1)


@cli.command(name="cases")
def cases_command(
    take: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Say that somebody is dealing with this case.")
    ] = None,
    close: Annotated[int | None, typer.Option(metavar="NUMBER", help="Close this case.")] = None,
    read: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Read what was said. It is written down that you did.")
    ] = None,
    by: Annotated[str, typer.Option(metavar="NAME", help="Who reads, takes or closes it.")] = "",
    because: Annotated[str, typer.Option(metavar="WORDS", help="Why it is read or closed, without names.")] = "",
) -> None:
    """List the open cases of danger, read one, take one on, or close one."""
    from helpline.case_list import case_table, case_words, change_case

    settings = _read_settings()
    with _one_clear_sentence():
        core = _open_core(settings)
        if read is not None:
            for line in case_words(core, read, by=by, because=because):
                console.print(line, markup=False, highlight=False)
            return
        change_case(core, take=take, close_number=close, by=by, because=because)
        console.print(case_table(core))


directory = typer.Typer(no_args_is_help=True, help="The directory of services that residents are told of.")
cli.add_typer(directory, name="directory")


@directory.command(name="import")
def directory_import(
    source: Annotated[
        str, typer.Argument(metavar="FILE|URL", help="A file of services, or a feed of Open Referral UK 3.0.")
    ],
    withdraw_most: Annotated[
        bool, typer.Option("--withdraw-most", help="The feed is right, although most of what it had is gone.")
    ] = False,
) -> None:
    """Take in services; say what was refused, and why. The same source again changes nothing."""
    from helpline.bootstrap import load_all_content, read_feed
    from helpline.services.directory_import import import_feed

    settings = _read_settings()
    with _one_clear_sentence():
        core = _open_core(settings)
        content, _ = load_all_content(settings)
        report = import_feed(core, read_feed(content, source, core.today()), withdraw_most=withdraw_most)
    for refused in report.refused:
        console.print(f"  refused {refused.record}: {refused.reason}.", markup=False)
    console.print(
        f"{report.feed}: {report.added} added, {report.changed} changed, {report.unchanged} unchanged, "
        f"{report.withdrawn} withdrawn, {len(report.refused)} refused. "
        f"{report.held_back} are kept but not shown to residents (closed, not confirmed, or no way to reach them).",
        markup=False,
    )


@directory.command(name="export")
def directory_export(
    out: Annotated[Path, typer.Argument(metavar="OUT.json", help="Where to write it.")],
) -> None:
    """Write what is published, whole, as Open Referral UK 3.0."""
    import json

    from helpline.services.publishing import all_services

    settings = _read_settings()
    with _one_clear_sentence():
        services = list(all_services(_open_core(settings)))
        try:
            out.write_text(json.dumps({"services": services}, ensure_ascii=False, indent=1) + "\n", "utf-8")
        except OSError as error:
            _fail(f"{out} cannot be written: {error.strerror}.")
    console.print(f"{len(services)} services written to {out}", markup=False)


@cli.command()
def replay(
    source: Annotated[Path, typer.Argument(metavar="IN.jsonl", exists=True, dir_okay=False)],
    out: Annotated[Path, typer.Option(metavar="OUT.jsonl")],
    channel: Annotated[Literal["sms", "telegram", "web"], typer.Option()] = "sms",
    now: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"])
    ] = None,
) -> None:
    """Feed messages through the real path with sending captured."""
    from helpline.logs import set_up_logs
    from helpline.replay import BadReplay, replay_file

    set_up_logs()
    settings = _read_settings()
    with _one_clear_sentence():
        _set_up(settings)
        try:
            count = replay_file(settings, source, out, channel, now)
        except BadReplay as error:
            _fail(str(error))
    console.print(f"{count} conversations replayed into {out}", markup=False)


@cli.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def rasa(context: typer.Context) -> None:
    """Run one of Rasa's own commands: train, test, shell, data validate, ..."""
    settings = _read_settings()
    with _one_clear_sentence():
        make_bot_environment()
        raise typer.Exit(run_rasa(settings, load_keys(settings), context.args))


@cli.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def test(context: typer.Context) -> None:
    """Run the tests; those of the assistant run in its own environment."""
    settings = _read_settings()
    with _one_clear_sentence():
        _set_up(settings)
    raise typer.Exit(subprocess.run([sys.executable, "-m", "pytest", *context.args], cwd=REPOSITORY).returncode)


@cli.command()
def lint() -> None:
    """Check style, formatting and types."""
    commands = [
        [sys.executable, "-m", "ruff", "check", "."],
        [sys.executable, "-m", "ruff", "format", "--check", "."],
        [sys.executable, "-m", "mypy"],
    ]
    failed = [command for command in commands if subprocess.run(command, cwd=REPOSITORY).returncode != 0]
    raise typer.Exit(1 if failed else 0)


def main() -> None:
    """Run the command line."""
    cli()
