"""Who may reads what was said around a danger and how to reach the person, and every reading is kept."""

from datetime import timedelta

import pytest

from helpline.case_list import CannotChangeCase, case_words
from helpline.services.case_reading import read_case
from helpline.services.cases import NoSuchCase, close
from helpline.services.core import Core
from helpline.services.forgetting import drop_addresses
from helpline.services.receiving import receive
from helpline.storage.models import CaseReading
from tests.fakes import PHONE, SettableClock, new_message, new_phone
from tests.services import rows

DANGER = "i want to kill myself"


@pytest.fixture
def number(core: Core, clock: SettableClock) -> int:
    receive(core, new_message("what is a blue badge, asked long before"))
    clock.advance(timedelta(hours=3))
    receive(core, new_message("we live in Harlow"))
    receive(core, new_message("a strangers words", address=new_phone()))
    clock.advance(timedelta(minutes=5))
    receive(core, new_message(DANGER))
    return rows.cases(core)[0].id


def test_the_words_around_the_danger_are_read_with_the_way_to_the_person(core: Core, number: int) -> None:
    read = read_case(core, number, "Asha", "to ring her")
    assert (read.kind, read.channel, read.address, read.district) == ("suicide", "sms", PHONE, "Harlow")
    assert [(said.text, said.from_person, said.shows_danger) for said in read.said][:2] == [
        ("we live in Harlow", True, False),
        (DANGER, True, True),
    ]
    assert [said.from_person for said in read.said] == [True, True, False]


@pytest.mark.parametrize("said", [["forget me", "yes"], ["wrong number"]])
def test_where_the_person_lives_is_still_known_when_their_conversation_has_begun_anew(
    core: Core, clock: SettableClock, number: int, said: list[str]
) -> None:
    clock.advance(timedelta(minutes=1))
    for text in said:
        receive(core, new_message(text))
    assert rows.conversation(core).district is None
    assert read_case(core, number, "Asha", "to ring her").district == "Harlow"
    receive(core, new_message("we live in Maldon"))
    assert rows.conversation(core).district == "Maldon"
    assert read_case(core, number, "Ben", "to ring her").district == "Harlow"


def test_where_somebody_lives_who_asked_to_be_forgotten_goes_with_their_address(
    core: Core, clock: SettableClock, number: int
) -> None:
    for text in ("forget me", "yes"):
        receive(core, new_message(text))
    close(core, number, "Asha", "rang her, safe")
    clock.advance(timedelta(days=2))
    assert drop_addresses(core) == 1
    read = read_case(core, number, "Ben", "a complaint")
    assert (read.address, read.district) == (None, None)


def test_every_reading_is_written_down_with_who_when_and_why(core: Core, clock: SettableClock, number: int) -> None:
    assert read_case(core, number, "Asha", "to ring her").read_before_by == []
    assert read_case(core, number, "Ben", "handed over").read_before_by == ["Asha"]
    kept = [(one.case_id, one.by, one.because, one.at) for one in rows.all_of(core, CaseReading)]
    assert kept == [(number, "Asha", "to ring her", clock.now()), (number, "Ben", "handed over", clock.now())]


def test_a_closed_case_can_still_be_read(core: Core, number: int) -> None:
    close(core, number, "Asha", "rang her, safe")
    assert DANGER in [said.text for said in read_case(core, number, "Ben", "a complaint").said]


def test_a_case_that_never_was_cannot_be_read_and_nothing_is_written_down(core: Core) -> None:
    with pytest.raises(NoSuchCase):
        read_case(core, 4_711, "Asha", "to look")
    assert rows.all_of(core, CaseReading) == []


@pytest.mark.parametrize(("by", "because"), [("", "to ring her"), ("Asha", " ")])
def test_nobody_reads_without_a_name_and_a_reason(core: Core, number: int, by: str, because: str) -> None:
    with pytest.raises(CannotChangeCase):
        list(case_words(core, number, by=by, because=because))
    assert rows.all_of(core, CaseReading) == []


def test_the_terminal_shows_which_message_it_was(core: Core, number: int) -> None:
    lines = list(case_words(core, number, by="Asha", because="to ring her"))
    [marked] = [line for line in lines if line.startswith("!")]
    assert DANGER in marked and PHONE in "\n".join(lines) and "written down" in lines[0]
