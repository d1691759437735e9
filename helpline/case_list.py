"""The cases of danger in the terminal: listed without words or address, read by name, taken on and closed by hand."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from helpline.services.case_reading import read_case
from helpline.services.cases import CaseView, NoSuchCase, acknowledge, close, open_cases
from helpline.services.core import LOCAL_TIME, Core

_HOW = "Take one on: --take NUMBER --by NAME. Read one: --read NUMBER --by NAME --because WHY"


class CannotChangeCase(Exception):
    """One clear sentence on why a case was not changed."""


def change_case(core: Core, *, take: int | None, close_number: int | None, by: str, because: str) -> None:
    """Take a case on, or close one. Raises CannotChangeCase."""
    number = take if take is not None else close_number
    if number is None:
        return
    if take is not None and close_number is not None:
        raise CannotChangeCase("Take a case on or close one, not both at once.")
    if not by.strip():
        raise CannotChangeCase("Say who you are: --by NAME")
    if take is None and not because.strip():
        raise CannotChangeCase("Say why the case is closed: --because WORDS (no names)")
    try:
        if take is not None:
            acknowledge(core, number, by.strip())
        else:
            close(core, number, by.strip(), because.strip())
    except NoSuchCase:
        raise CannotChangeCase(f"There is no open case {number}.") from None


def case_words(core: Core, number: int, *, by: str, because: str) -> Iterator[str]:
    """A case's words, a line at a time, once it is written down who reads them and why. Raises CannotChangeCase."""
    if not by.strip():
        raise CannotChangeCase("Say who you are: --by NAME")
    if not because.strip():
        raise CannotChangeCase("Say why you have to read it: --because WORDS")
    try:
        case = read_case(core, number, by.strip(), because.strip())
    except NoSuchCase:
        raise CannotChangeCase(f"There is no case {number}.") from None
    yield f"Case {number}, {case.kind}. It is written down that you read this."
    if case.read_before_by:
        yield f"Read before by {', '.join(dict.fromkeys(case.read_before_by))}."
    yield f"To reach them: {case.channel}, {case.address or 'address no longer known'}"
    yield f"Where they live: {case.district or 'not known'}"
    yield ""
    for said in case.said:
        who = "THEM" if said.from_person else "  us"
        mark = "!" if said.shows_danger else " "
        when = f"{said.at.astimezone(LOCAL_TIME):%d %b %H:%M}"
        yield f"{mark} {when} {said.channel:<8} {who}: {_printable(said.text) or '(no words)'}"


def _printable(text: str) -> str:
    # What somebody wrote must not be able to steer the terminal of who reads it.
    return "".join(char if char.isprintable() else " " for char in text)


def case_table(core: Core) -> Table:
    """Every open case, what needs somebody most first."""
    table = Table(
        title="Open cases of danger",
        caption=_HOW,
    )
    for heading in ("case", "kind", "sure?", "opened", "last message", "messages", "taken on by", "note"):
        table.add_column(heading)
    for case in open_cases(core):
        table.add_row(
            str(case.id),
            case.kind,
            "sure" if case.tier == 1 else "may be",
            f"{case.opened_at.astimezone(LOCAL_TIME):%d %b %H:%M}",
            f"{case.last_evidence_at.astimezone(LOCAL_TIME):%d %b %H:%M}",
            str(case.messages),
            Text(case.acknowledged_by or f"nobody ({case.alerts_raised} alerts)"),
            ", ".join(_notes(case)),
        )
    return table


def _notes(case: CaseView) -> list[str]:
    notes = {
        "our reply was refused": case.reply_refused,
        "ended the texts afterwards": case.opted_out,
        "said no to our question": case.denied,
    }
    return [note for note, holds in notes.items() if holds]
