"""PAUSE, LESS, DONE, LOSS, who is this, wrong number, a number that was silent for long, and machines that write."""

from datetime import timedelta

import pytest

from helpline.domain.messages import Purpose, Understanding
from helpline.services import answering
from helpline.services.arrival import Received
from helpline.services.cases import put_due_follow_ups
from helpline.services.core import Core
from helpline.services.sending import claim
from helpline.services.threads import thread_after
from helpline.services.turns import settle_turn
from helpline.storage.models import CaseEvidence, StaffAlarm
from tests.fakes import PHONE, SettableClock
from tests.services import rows
from tests.services.conftest import Hears

DANGER = "i want to kill myself"
QUESTION = "how do i get a blue badge"
FALLS = Understanding("guide/falls", 0.93, "falls", "stop-falls", 0.8)
MORE = Understanding("more", 0.9)
HALF_A_YEAR = timedelta(days=184)


def last_said(core: Core) -> str:
    return rows.texts(core)[-1]


def is_handed_on(received: Received) -> bool:
    return received.turn_for == received.message_id


def reason(core: Core, received: Received) -> str | None:
    return rows.inbound(core, received.message_id).state_reason


def answered_about_falls(core: Core, hears: Hears) -> None:
    received = hears("mum keeps falling, we live in Harlow")
    settle_turn(core, received.message_id, [answering.answer_guide_question(core, received.message_id, FALLS)])


@pytest.mark.parametrize(
    ("typed", "until"),
    [
        ("PAUSE", "on Monday 7 December"),
        ("pause 3 days", "ends on Thursday."),
        ("Pause for 2 weeks please", "on Monday 7 December"),
    ],
)
def test_a_break_says_when_it_ends(core: Core, hears: Hears, typed: str, until: str) -> None:
    hears(typed)
    assert until in last_said(core)


def test_in_a_break_nothing_unasked_is_sent_and_questions_are_answered(
    core: Core, hears: Hears, clock: SettableClock
) -> None:
    hears(DANGER)
    hears("pause")
    clock.advance(timedelta(days=1))
    for outbox_id, _ in put_due_follow_ups(core):
        assert claim(core, outbox_id) is None
    follow_up = [one for one in rows.outbox(core) if one.purpose == Purpose.FOLLOW_UP]
    assert [one.state for one in follow_up] == ["suppressed"]
    assert is_handed_on(hears(QUESTION))


def test_a_break_can_be_ended_sooner(core: Core, hears: Hears) -> None:
    hears("pause")
    assert rows.conversation(core).paused_until is not None
    hears("resume")
    assert rows.conversation(core).paused_until is None and last_said(core) == core.say("resumed", "sms")


def test_less_says_what_there_is_to_cut_down(core: Core, hears: Hears) -> None:
    hears("less")
    assert last_said(core) == core.say("less", "sms")


def test_done_leaves_the_topic_and_any_open_question(core: Core, hears: Hears) -> None:
    answered_about_falls(core, hears)
    hears("done")
    talk = rows.conversation(core)
    assert (talk.topic, talk.answer, talk.expects, talk.district) == (None, None, None, "Harlow")
    assert last_said(core) == core.say("done", "sms")


def test_done_after_danger_keeps_the_numbers_in_reach(core: Core, hears: Hears) -> None:
    hears(DANGER)
    hears("done")
    assert last_said(core) == core.say("done-after-danger", "sms") and "SAFE" in last_said(core)


@pytest.mark.parametrize("typed", ["im done", "i'm finished", "im done with it all", "end it all"])
def test_the_words_of_somebody_at_their_end_are_never_taken_for_done(core: Core, hears: Hears, typed: str) -> None:
    assert reason(core, hears(typed)) != "done"


def test_loss_is_met_with_sympathy_a_number_and_what_to_do_first(core: Core, hears: Hears) -> None:
    answered_about_falls(core, hears)
    received = hears("LOSS")
    assert reason(core, received) == "loss"
    cruse = core.guide.phones["cruse"].number
    assert "sorry" in last_said(core) and cruse in last_said(core)
    talk = rows.conversation(core)
    assert (talk.topic, talk.about, talk.rights, talk.district) == ("bereavement", None, "refused", "Harlow")
    more = hears("more")
    assert answering.give_more(core, more.message_id, MORE).text != core.say("more-nothing", "sms")


@pytest.mark.parametrize("typed", ["who is this", "Who's this?", "new phone who dis", "how did you get my number"])
def test_who_is_this_is_answered_truly(core: Core, hears: Hears, typed: str) -> None:
    hears(typed)
    assert core.service_name in last_said(core) and "machine" in last_said(core)


def test_a_wrong_number_is_forgotten_and_not_followed_up(core: Core, hears: Hears, clock: SettableClock) -> None:
    answered_about_falls(core, hears)
    hears(DANGER)
    hears("sorry, wrong number")
    assert last_said(core) == core.say("wrong-number", "sms")
    talk = rows.conversation(core)
    assert (talk.district, talk.topic, talk.about) == (None, None, None)
    clock.advance(timedelta(days=1))
    assert put_due_follow_ups(core) == []
    assert [case.state for case in rows.cases(core)] == ["open"]


def test_a_number_that_was_silent_for_half_a_year_is_met_anew(core: Core, hears: Hears) -> None:
    answered_about_falls(core, hears)
    hears(DANGER)
    received = hears("repeat", after=HALF_A_YEAR)
    said = answering.repeat_last(core, received.message_id, Understanding("repeat", 0.9))
    assert said.text == core.say("repeat-nothing", "sms")
    assert rows.conversation(core).district is None
    settle_turn(core, received.message_id, [said])
    assert last_said(core).startswith(core.say("first-contact-lead", "sms"))
    hears("safe")
    assert last_said(core) == core.say("safe", "sms")
    assert all("falls" not in one.text for one in thread_after(core, "sms", PHONE))


def test_a_chat_that_was_silent_for_as_long_is_still_the_same_person(core: Core, hears: Hears) -> None:
    hears("we live in Harlow", "telegram", "77")
    hears(QUESTION, "telegram", "77", after=HALF_A_YEAR)
    assert rows.conversation(core, "telegram", "77").district == "Harlow"


@pytest.mark.parametrize(
    "typed",
    [
        "Automatic reply: I am out of the office until Monday.",
        "Auto-reply: this mailbox is not monitored.",
        "This mailbox is not monitored",
    ],
)
def test_a_machine_that_is_away_gets_no_answer(core: Core, hears: Hears, typed: str) -> None:
    received = hears(typed)
    assert (received.outbox_id, received.turn_for, reason(core, received)) == (None, None, "automatic-reply")


@pytest.mark.parametrize("typed", ["im driving mum to broomfield what do i bring", "out of hours number please"])
def test_a_person_who_sounds_like_one_is_answered(core: Core, hears: Hears, typed: str) -> None:
    assert is_handed_on(hears(typed))


def test_danger_is_answered_even_in_an_automatic_reply(core: Core, hears: Hears) -> None:
    assert hears(f"automatic reply. {DANGER}").danger_kind == "suicide"


def test_a_machine_that_speaks_of_danger_is_answered_once_a_day_and_staff_see_the_rest(
    core: Core, hears: Hears
) -> None:
    words = f"automatic reply. {DANGER}"
    first = hears(words)
    again = hears(words, after=timedelta(seconds=20))
    assert first.outbox_id is not None
    assert (again.outbox_id, again.turn_for, reason(core, again)) == (None, None, "automatic-reply")
    assert len(rows.all_of(core, CaseEvidence)) == 2
    assert hears(words, after=timedelta(days=1, seconds=1)).outbox_id is not None


def test_the_same_message_within_a_moment_is_answered_once(core: Core, hears: Hears) -> None:
    assert is_handed_on(hears(QUESTION))
    again = hears(QUESTION, after=timedelta(seconds=3))
    assert (again.turn_for, reason(core, again)) == (None, "sent-twice")
    assert is_handed_on(hears(QUESTION, after=timedelta(seconds=5)))


def test_a_question_mark_two_hundred_times_gets_three_answers_and_staff_hear_of_it_once(
    core: Core, hears: Hears
) -> None:
    received = [hears("?", after=timedelta(seconds=5)) for _ in range(60)]
    answered = [one for one in received if one.outbox_id is not None]
    assert len(answered) == 3
    assert {reason(core, one) for one in received if one.outbox_id is None} == {"said-again-and-again"}
    assert [alarm.kind for alarm in rows.all_of(core, StaffAlarm)] == ["same-message-again-and-again"]


@pytest.mark.parametrize("typed", ["1", "yes", "more", "next"])
def test_answers_and_commands_may_be_said_again_and_again(core: Core, hears: Hears, typed: str) -> None:
    assert all(is_handed_on(hears(typed, after=timedelta(seconds=5))) for _ in range(6))


def test_danger_said_again_and_again_is_answered_every_time(core: Core, hears: Hears) -> None:
    assert all(hears(DANGER, after=timedelta(seconds=1)).outbox_id is not None for _ in range(6))


def test_a_message_that_is_not_sent_unasked_after_half_a_year(core: Core, hears: Hears, clock: SettableClock) -> None:
    hears(DANGER)
    clock.advance(timedelta(days=1))
    outbox_id, _ = put_due_follow_ups(core)[0]
    clock.advance(HALF_A_YEAR)
    assert claim(core, outbox_id) is None
    assert "half a year" in (rows.outbox(core)[-1].staff_note or "")
