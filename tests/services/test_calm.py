"""For a day after danger nobody is chatted to or sent away: a calm reply instead, and the guide's answers as ever."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from helpline.domain.messages import Reply, Understanding
from helpline.domain.safety import SafetyContent, SafetyScanner
from helpline.services import answering
from helpline.services.cases import close
from helpline.services.core import Core
from helpline.services.receiving import receive
from helpline.services.turns import hold, next_turn, settle_turn
from tests.fakes import Hunches, SettableClock, new_message
from tests.services import rows

DANGER = "i want to kill myself"
HINT = "so tired of all of it"
A_DAY = timedelta(hours=24)
A_MOMENT = timedelta(seconds=1)


def small_talk(core: Core, message_id: int) -> Reply:
    answering.note_small_talk(core, message_id, Understanding("small_talk/thanks", 0.9))
    return Reply("You are welcome!")


def out_of_scope(core: Core, message_id: int) -> Reply:
    return answering.decline_out_of_scope(core, message_id, Understanding("out_of_scope", 0.9))


def not_understood(core: Core, message_id: int) -> Reply:
    return answering.decline_out_of_scope(core, message_id, Understanding("nlu_fallback", 0.3))


def guide(core: Core, message_id: int) -> Reply:
    return answering.answer_guide_question(
        core, message_id, Understanding("guide/falls", 0.9, "falls", "stop-falls", 0.8)
    )


def menu(core: Core, message_id: int) -> Reply:
    return answering.show_menu(core, message_id, Understanding("menu", 1.0))


def unrecorded(core: Core, message_id: int) -> Reply:
    return Reply("what an action that keeps no record says")


_numbers = count(1)
Answer = Callable[[Core, int], Reply]
TOO_CHEERFUL: list[Answer] = [small_talk, out_of_scope, not_understood]
ANSWERS: list[Answer] = [guide, menu, unrecorded]


def turn(core: Core, answer: Answer, channel: str = "sms") -> tuple[str, str]:
    """What the assistant would say to a message, and what is said."""
    message_id = receive(core, new_message(f"message {next(_numbers)}", channel)).message_id
    reply = answer(core, message_id)
    settle_turn(core, message_id, [reply])
    assert rows.inbound(core, message_id).state == "answered"
    return reply.text, rows.texts(core)[-1]


def calm(core: Core, channel: str = "sms") -> str:
    return core.say("calm", core.form_of(channel))


@pytest.mark.parametrize("channel", ["sms", "web"])
@pytest.mark.parametrize("later", [timedelta(), A_DAY])
@pytest.mark.parametrize("answer", TOO_CHEERFUL)
def test_for_a_day_after_danger_what_is_too_cheerful_or_of_no_use_gives_way_to_the_calm_reply(
    core: Core, clock: SettableClock, answer: Answer, later: timedelta, channel: str
) -> None:
    receive(core, new_message(DANGER, channel))
    clock.advance(later)
    assert turn(core, answer, channel)[1] == calm(core, channel)
    assert "999" in calm(core, channel) and "SAFE" in calm(core, channel)


@pytest.mark.parametrize("channel", ["sms", "web"])
@pytest.mark.parametrize("answer", ANSWERS)
def test_what_answers_the_person_is_said_as_ever(core: Core, answer: Answer, channel: str) -> None:
    receive(core, new_message(DANGER, channel))
    meant, said = turn(core, answer, channel)
    assert said.endswith(meant) and calm(core, channel) not in said


@pytest.mark.parametrize("answer", TOO_CHEERFUL)
def test_after_the_day_and_to_who_was_never_in_danger_the_usual_words_are_said(
    core: Core, clock: SettableClock, answer: Answer
) -> None:
    meant, said = turn(core, answer)
    assert said.endswith(meant)
    receive(core, new_message(DANGER))
    clock.advance(A_DAY + A_MOMENT)
    meant, said = turn(core, answer)
    assert said == meant


def test_the_day_begins_again_with_the_latest_danger_and_of_several_cases_the_latest_counts(
    core: Core, clock: SettableClock
) -> None:
    receive(core, new_message(DANGER))
    clock.advance(A_DAY)
    receive(core, new_message("my husband hits me"))
    clock.advance(A_DAY)
    assert turn(core, small_talk)[1] == calm(core)


def test_one_persons_danger_changes_nothing_for_another(core: Core) -> None:
    receive(core, new_message(DANGER, address="+447700900002"))
    meant, said = turn(core, small_talk)
    assert said.endswith(meant)


def test_a_calm_reply_that_was_waited_for_says_that_it_is_late(core: Core) -> None:
    receive(core, new_message(DANGER))
    message_id = receive(core, new_message("a message")).message_id
    hold(core, message_id)
    settle_turn(core, message_id, [small_talk(core, message_id)])
    assert rows.texts(core)[-1] == f"{core.say('late-answer-lead', 'sms')} {calm(core)}"


@pytest.fixture
def asked_again(core: Core, safety: SafetyContent) -> tuple[Core, int]:
    """A message that we asked about; the person said no, so it has its turn after all."""
    core = replace(core, scanner=SafetyScanner(safety, Hunches({HINT: ("suicide", "me", 0.8)})))
    receive(core, new_message(HINT))
    message_id = receive(core, new_message("no")).turn_for
    assert message_id is not None
    return core, message_id


@pytest.mark.parametrize("answer", TOO_CHEERFUL)
def test_a_message_with_no_question_in_it_that_we_asked_about_ends_with_our_thanks(
    asked_again: tuple[Core, int], answer: Answer
) -> None:
    core, message_id = asked_again
    assert settle_turn(core, message_id, [answer(core, message_id)]) is None
    assert rows.inbound(core, message_id).state == "answered"
    assert next_turn(core, message_id) is None
    assert rows.texts(core)[-1].startswith("Thank you for telling me.")
    assert len(rows.outbox(core)) == 2


def test_a_question_in_a_message_that_we_asked_about_is_answered(asked_again: tuple[Core, int]) -> None:
    core, message_id = asked_again
    reply = guide(core, message_id)
    assert settle_turn(core, message_id, [reply]) is not None
    assert rows.texts(core)[-1] == reply.text


def test_when_staff_have_closed_the_case_the_usual_words_are_said(core: Core) -> None:
    case_id = receive(core, new_message(DANGER)).case_id
    assert case_id is not None
    close(core, case_id, "Asha", "is with family")
    meant, said = turn(core, small_talk)
    assert said == meant


def test_a_thank_you_that_is_read_as_the_answer_to_did_that_help_is_answered_calmly_too(core: Core) -> None:
    turn(core, guide)
    assert rows.conversation(core).expects == {"kind": "yes_no", "about": "helped"}
    receive(core, new_message(DANGER))

    def helped(core: Core, message_id: int) -> Reply:
        return answering.take_answer(core, message_id, Understanding("answer", 1.0, value="yes"))

    said, sent = turn(core, helped)
    assert (said, sent) == (core.say("helped-yes", "sms"), calm(core))
