"""Danger that may be gets one question, a yes makes it sure, a no is believed for a day, and nothing closes a case."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from helpline.domain.control_words import match
from helpline.domain.messages import Purpose, Reply, Understanding
from helpline.domain.safety import MAY_BE, SURE, Danger, SafetyContent, SafetyScanner, Who
from helpline.services import answering
from helpline.services.arrival import Received
from helpline.services.cases import acknowledge, close
from helpline.services.core import Core
from helpline.services.receiving import receive
from helpline.services.sending import claim
from helpline.services.threads import thread_after
from helpline.services.turns import TurnRequest, next_turn, settle_turn
from helpline.settings import REPOSITORY
from helpline.storage.models import DangerCase
from tests.fakes import PHONE, Hunches, SettableClock, new_message, new_phone, text_from
from tests.services import rows

HINT = "so tired of all of it"
HINT_OF_ANOTHER = "she gives her things away"
STRONG_HINT = "they will manage once it is done"
LESS_STRONG_HINT = "it hardly matters now"
HINT_OF_FEAR = "i stay upstairs when he is home"
DANGER = "i want to kill myself"
DANGER_OF_ANOTHER = "my son says he will hang himself"
VIOLENCE = "my husband hits me"
HUNCHES: dict[str, tuple[str, Who, float]] = {
    HINT: ("suicide", "me", 0.8),
    HINT_OF_ANOTHER: ("suicide", "someone", 0.8),
    LESS_STRONG_HINT: ("suicide", "me", 0.969),
    STRONG_HINT: ("suicide", "me", 0.97),
    HINT_OF_FEAR: ("domestic-abuse", "me", 0.7),
    DANGER: ("suicide", "me", 0.9),
    DANGER_OF_ANOTHER: ("suicide", "someone", 0.9),
    "hits me": ("domestic-abuse", "me", 0.9),
    "mum is not breathing": ("medical-emergency", "someone", 0.9),
}
QUESTION = "how do i get a blue badge"
FALLS = Understanding("guide/falls", 0.93, "falls", "stop-falls", 0.8)
HELPED = {"kind": "yes_no", "about": "helped"}
A_MOMENT = timedelta(seconds=1)
A_DAY = timedelta(hours=24)


@pytest.fixture(scope="module")
def wary(safety: SafetyContent) -> SafetyScanner:
    return SafetyScanner(safety, Hunches(HUNCHES))


@pytest.fixture
def core(core: Core, wary: SafetyScanner) -> Core:
    return replace(core, scanner=wary)


def hears(core: Core, text: str, channel: str = "sms") -> Received:
    return receive(core, new_message(text, channel))


def case(core: Core) -> DangerCase:
    [one] = rows.cases(core)
    return one


def sure_reply(core: Core, kind: str, who: Who = "me") -> str:
    return core.safety_reply(Danger(kind, SURE, who, "any", joined=False), "sms", None)


def question(core: Core, kind: str) -> str:
    return core.safety_reply(Danger(kind, MAY_BE, "me", "any", joined=False), "sms", None)


def asked(core: Core, message_id: int | None) -> TurnRequest:
    assert message_id is not None
    request = next_turn(core, message_id)
    assert request is not None
    return request


def ask_whether_it_helped(core: Core) -> None:
    message_id = hears(core, "how do i stop falls").message_id
    settle_turn(core, message_id, [answering.answer_guide_question(core, message_id, FALLS)])
    assert rows.conversation(core).expects == HELPED


@pytest.mark.parametrize(
    ("channel", "asks", "options"), [("sms", "Reply Y or N.", ()), ("web", "YES or NO.", ("Yes", "No"))]
)
def test_what_may_be_danger_is_asked_about_with_the_routes_and_a_case_is_opened(
    core: Core, clock: SettableClock, channel: str, asks: str, options: tuple[str, ...]
) -> None:
    received = hears(core, HINT, channel)
    [sent] = rows.outbox(core)
    assert "are you thinking of ending your life?" in " ".join(sent.text.split())
    assert asks in sent.text and "999" in sent.text[:100]
    assert (sent.purpose, sent.in_reply_to) == ("safety", received.message_id)
    assert thread_after(core, channel, PHONE)[-1].options == options
    opened = case(core)
    assert (opened.kind, opened.state, opened.tier, opened.alert_due_at) == ("suicide", "open", 2, clock.now())
    [evidence] = rows.evidence(core)
    assert (evidence.tier, evidence.rule, evidence.score, evidence.reply_entry_id) == (2, "learnt", 0.8, sent.entry_id)
    assert (received.outbox_id, received.case_id, received.turn_for) == (sent.entry_id, opened.id, None)
    assert rows.inbound(core, received.message_id).state == "answered"


def test_who_lives_outside_the_area_gets_the_routes_of_somebody_whose_place_is_not_known(core: Core) -> None:
    receive(core, new_message(VIOLENCE, address=new_phone()))
    here_or_not = rows.texts(core)[-1]
    elsewhere = new_phone()
    receive(core, new_message("we live in Ipswich", address=elsewhere))
    assert rows.conversation(core, "sms", elsewhere).authority == "elsewhere"
    receive(core, new_message(VIOLENCE, address=elsewhere))
    assert rows.texts(core)[-1] == here_or_not


def test_a_message_that_is_delivered_again_is_not_asked_about_again(core: Core) -> None:
    receive(core, text_from(HINT))
    assert receive(core, text_from(HINT)).outbox_id is None
    assert len(rows.outbox(core)) == 1


@pytest.mark.parametrize("typed", ["YES", "y", "yes i am", "yes what should i do"])
@pytest.mark.parametrize(("hint", "who"), [(HINT, "me"), (HINT_OF_ANOTHER, "someone")])
def test_yes_makes_the_case_sure_and_gets_the_reply_of_the_same_kind_for_the_same_person(
    core: Core, typed: str, hint: str, who: Who
) -> None:
    first = hears(core, hint)
    received = hears(core, typed)
    assert rows.texts(core)[-1] == sure_reply(core, "suicide", who)
    assert (received.case_id, received.danger_kind, received.turn_for) == (first.case_id, "suicide", None)
    assert case(core).tier == SURE
    evidence = rows.evidence(core)[-1]
    assert (evidence.entry_id, evidence.tier, evidence.who) == (received.message_id, SURE, who)
    assert rows.conversation(core).expects is None


def test_yes_tells_staff_again_although_somebody_had_taken_the_case_on(core: Core, clock: SettableClock) -> None:
    hears(core, HINT)
    acknowledge(core, case(core).id, "Asha")
    clock.advance(timedelta(minutes=5))
    hears(core, "yes")
    assert (case(core).acknowledged_by, case(core).alert_due_at) == (None, clock.now())


@pytest.mark.parametrize("channel", ["sms", "web"])
def test_no_is_thanked_and_closes_nothing(core: Core, clock: SettableClock, channel: str) -> None:
    hears(core, HINT, channel)
    due = case(core).alert_due_at
    clock.advance(timedelta(minutes=5))
    hears(core, "no", channel)
    reply = rows.outbox(core)[-1]
    assert reply.text.startswith("Thank you for telling me.") and "999" in reply.text and "SAFE" in reply.text
    assert (case(core).state, case(core).tier, case(core).denied_at) == ("open", MAY_BE, clock.now())
    assert case(core).alert_due_at == due
    assert rows.conversation(core, channel).expects is None


def test_after_a_no_the_message_that_was_asked_about_is_answered_once(core: Core) -> None:
    first = hears(core, f"{HINT} {QUESTION}")
    received = hears(core, "no")
    assert received.turn_for == first.message_id
    request = asked(core, received.turn_for)
    assert (request.message_id, request.text) == (first.message_id, f"{HINT} {QUESTION}")
    assert settle_turn(core, first.message_id, [Reply("about the badge")]) is not None
    assert settle_turn(core, first.message_id, [Reply("about the badge")]) is None
    assert next_turn(core, received.message_id) is None
    assert [sent.purpose for sent in rows.outbox(core)] == ["safety", "reply", "reply"]
    assert rows.texts(core)[-1] == "about the badge"


def test_a_second_no_is_no_answer_to_a_question_that_is_closed(core: Core) -> None:
    hears(core, HINT)
    hears(core, "no")
    again = hears(core, "no")
    assert again.turn_for == again.message_id


def test_no_with_a_question_behind_it_is_believed_and_the_question_is_answered(core: Core) -> None:
    first = hears(core, HINT)
    received = hears(core, "no but how much is a blue badge")
    assert case(core).denied_at is not None
    assert (received.outbox_id, received.turn_for) == (None, received.message_id)
    assert asked(core, received.turn_for).text == "no but how much is a blue badge"
    assert rows.inbound(core, first.message_id).state == "answered"


@pytest.mark.parametrize(
    ("typed", "kind"), [("no he hits me", "domestic-abuse"), ("yes mum is not breathing", "medical-emergency")]
)
def test_danger_that_is_said_plainly_outranks_the_yes_or_no_that_it_begins_with(
    core: Core, typed: str, kind: str
) -> None:
    hears(core, HINT)
    assert hears(core, typed).danger_kind == kind
    cases = {one.kind: one for one in rows.cases(core)}
    assert (cases[kind].tier, cases["suicide"].tier, cases["suicide"].denied_at) == (SURE, MAY_BE, None)


def test_what_is_neither_yes_nor_no_gets_its_turn_and_the_question_stays_open(core: Core) -> None:
    hears(core, HINT)
    received = hears(core, QUESTION)
    assert (received.turn_for, case(core).denied_at) == (received.message_id, None)
    assert hears(core, "yes").danger_kind == "suicide"


@pytest.mark.parametrize("hints", [[HINT], [HINT, HINT_OF_FEAR]])
def test_the_assistants_own_question_waits_behind_ours_about_danger(core: Core, hints: Sequence[str]) -> None:
    ask_whether_it_helped(core)
    first = [hears(core, hint) for hint in hints][-1]
    assert asked(core, hears(core, QUESTION).message_id).metadata["expects"] == HELPED
    hears(core, "no")
    assert rows.conversation(core).expects == HELPED
    assert asked(core, first.message_id).metadata["expects"] == HELPED


@pytest.mark.parametrize("typed", ["yes", "no"])
def test_an_answer_the_assistant_was_busy_with_does_not_take_our_question_about_danger_away(
    core: Core, typed: str
) -> None:
    under_way = hears(core, "how do i stop falls").message_id
    hears(core, HINT)
    settle_turn(core, under_way, [answering.answer_guide_question(core, under_way, FALLS)])
    hears(core, typed)
    assert (case(core).tier == SURE, case(core).denied_at is not None) == (typed == "yes", typed == "no")


@pytest.mark.parametrize(
    ("hint", "later", "is_asked"),
    [
        (HINT, timedelta(hours=1), False),
        (HINT, A_DAY, False),
        (HINT, A_DAY + A_MOMENT, True),
        (LESS_STRONG_HINT, timedelta(hours=1), False),
        (STRONG_HINT, timedelta(hours=1), True),
        (HINT_OF_FEAR, timedelta(hours=1), True),
    ],
)
def test_after_a_no_only_what_is_much_likelier_or_of_another_kind_is_asked_about_that_day(
    core: Core, clock: SettableClock, hint: str, later: timedelta, is_asked: bool
) -> None:
    hears(core, HINT)
    hears(core, "no")
    clock.advance(later)
    received = hears(core, hint)
    kind = HUNCHES[hint][0]
    assert (received.danger_kind == kind, received.turn_for == received.message_id) == (is_asked, not is_asked)
    assert (rows.texts(core)[-1] == question(core, kind)) is is_asked


@pytest.mark.parametrize(
    ("hint", "later", "is_asked"),
    [(HINT, A_DAY, False), (HINT, A_DAY + A_MOMENT, True), (HINT_OF_FEAR, timedelta(minutes=1), True)],
)
def test_who_said_it_plainly_within_the_day_is_given_the_reply_and_not_asked(
    core: Core, clock: SettableClock, hint: str, later: timedelta, is_asked: bool
) -> None:
    hears(core, DANGER)
    clock.advance(later)
    hears(core, hint)
    kind = HUNCHES[hint][0]
    assert rows.texts(core)[-1] == (question(core, kind) if is_asked else sure_reply(core, kind))
    assert (rows.conversation(core).expects is not None) is is_asked
    assert rows.evidence(core)[-1].tier == MAY_BE
    assert {one.kind: one.tier for one in rows.cases(core)}["suicide"] == SURE


def test_who_says_it_plainly_after_a_no_is_not_held_to_the_no(core: Core, clock: SettableClock) -> None:
    hears(core, HINT)
    hears(core, "no")
    clock.advance(timedelta(hours=1))
    hears(core, DANGER)
    clock.advance(timedelta(hours=1))
    hears(core, HINT)
    assert rows.texts(core)[-1] == sure_reply(core, "suicide")
    assert len(rows.evidence(core)) == 3


def test_who_says_it_plainly_has_answered_our_question(core: Core) -> None:
    hears(core, HINT)
    hears(core, DANGER)
    hears(core, "no")
    assert case(core).denied_at is None


@pytest.mark.parametrize(
    ("said", "kind", "who"),
    [
        ([DANGER, VIOLENCE], "domestic-abuse", "me"),
        ([DANGER, VIOLENCE, DANGER], "suicide", "me"),
        ([DANGER_OF_ANOTHER], "suicide", "someone"),
        ([HINT], "suicide", "me"),
    ],
)
def test_safe_gives_the_routes_of_the_latest_danger(
    core: Core, clock: SettableClock, said: Sequence[str], kind: str, who: Who
) -> None:
    for text in said:
        hears(core, text)
        clock.advance(timedelta(minutes=1))
    received = hears(core, "SAFE")
    assert rows.texts(core)[-1] == sure_reply(core, kind, who)
    assert (received.danger_kind, len(rows.evidence(core))) == (None, len(said))


def test_safe_gives_the_general_routes_to_who_never_told_of_danger_or_whose_case_was_closed(core: Core) -> None:
    hears(core, "SAFE")
    assert rows.texts(core) == [core.say("safe", "sms")]
    hears(core, DANGER)
    close(core, case(core).id, "Asha", "is with family")
    hears(core, "safe please")
    assert rows.texts(core)[-1] == core.say("safe", "sms")


@pytest.mark.parametrize("before", [[], [DANGER]])
def test_safe_is_answered_and_sent_after_stop(core: Core, before: Sequence[str]) -> None:
    for text in [*before, "STOP"]:
        hears(core, text)
    received = hears(core, "SAFE")
    assert received.outbox_id is not None
    sending = claim(core, received.outbox_id)
    assert sending is not None and sending.message.text == (
        sure_reply(core, "suicide") if before else core.say("safe", "sms")
    )
    assert rows.contact(core).opted_out_at is not None


@pytest.mark.parametrize("danger", [DANGER, HINT])
def test_stop_after_danger_is_obeyed_and_the_case_comes_first_now(
    core: Core, clock: SettableClock, danger: str
) -> None:
    hears(core, danger)
    acknowledge(core, case(core).id, "Asha")
    clock.advance(A_DAY)
    hears(core, "STOP")
    reply = rows.outbox(core)[-1]
    assert (reply.text, reply.purpose) == (core.say("stop-confirmed-after-danger", "sms"), Purpose.CONTROL)
    assert "999" in reply.text and "SHOUT" in reply.text
    assert rows.contact(core).opted_out_at == clock.now()
    stopped = case(core)
    assert (stopped.state, stopped.urgent, stopped.opted_out_at) == ("open", True, clock.now())
    assert (stopped.acknowledged_by, stopped.alert_due_at) == (None, clock.now())
    assert hears(core, "STOP").outbox_id is None


@pytest.mark.parametrize(("said", "later"), [(QUESTION, timedelta()), (DANGER, A_DAY + A_MOMENT)])
def test_stop_without_danger_or_long_after_it_is_an_ordinary_stop(
    core: Core, clock: SettableClock, said: str, later: timedelta
) -> None:
    hears(core, said)
    clock.advance(later)
    hears(core, "STOP")
    assert rows.texts(core)[-1] == core.say("stop-confirmed", "sms")
    assert not any(one.urgent or one.opted_out_at for one in rows.cases(core))


on_one_database = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("STOP", "ignore me", "i was joking", "sorry", "no", "YES", "START", "SAFE", "thanks", "HELP"),
                *(QUESTION, HINT, STRONG_HINT, HINT_OF_FEAR, DANGER, VIOLENCE),
            ]
        ),
        st.sampled_from([timedelta(), timedelta(minutes=20), timedelta(hours=13)]),
    ),
    min_size=1,
    max_size=8,
)


@settings(on_one_database, max_examples=30)
@given(first=st.sampled_from([DANGER, VIOLENCE, HINT, HINT_OF_FEAR]), steps=STEPS)
def test_nothing_that_a_person_writes_closes_a_case_removes_evidence_or_puts_an_alert_off(
    core: Core, clock: SettableClock, first: str, steps: Sequence[tuple[str, timedelta]]
) -> None:
    address, open_before, evidence_before = new_phone(), set[int](), {entry.entry_id for entry in rows.evidence(core)}
    for text, later in [(first, timedelta()), *steps]:
        clock.advance(later)
        contact_id = receive(core, new_message(text, address=address)).contact_id
        cases = [one for one in rows.cases(core) if one.contact_id == contact_id]
        assert all(one.state == "open" and one.alert_due_at and one.alert_due_at <= clock.now() for one in cases)
        open_now, evidence_now = {one.id for one in cases}, {entry.entry_id for entry in rows.evidence(core)}
        assert open_now and open_before <= open_now and evidence_before <= evidence_now
        open_before, evidence_before = open_now, evidence_now


HELD_OUT = [
    json.loads(line)["text"] for line in (REPOSITORY / "tests" / "safety" / "held_out.jsonl").read_text().splitlines()
]


def opts_out(core: Core, text: str) -> bool:
    address = new_phone()
    receive(core, new_message(text, address=address))
    return rows.contact(core, address=address).opted_out_at is not None


@settings(on_one_database, max_examples=250)
@given(st.sampled_from(HELD_OUT) | st.text(max_size=80))
def test_no_text_but_a_control_word_opts_anybody_out(core: Core, text: str) -> None:
    assume(match(text, core.control_words) != "stop")
    assert not opts_out(core, text)


@settings(on_one_database, max_examples=100)
@given(data=st.data(), inside=st.sampled_from(["{} mum falling", "the carer said {}", "if he will not {} what then"]))
def test_the_words_of_stop_inside_a_sentence_opt_nobody_out(core: Core, data: st.DataObject, inside: str) -> None:
    words = data.draw(st.sampled_from(sorted(core.control_words.commands["stop"].words)))
    assert not opts_out(core, inside.format(words))


@pytest.mark.parametrize("word", ["stop", "start", "help"])
def test_a_control_word_is_obeyed_however_suspicious_it_looks(core: Core, safety: SafetyContent, word: str) -> None:
    suspicious = replace(core, scanner=SafetyScanner(safety, Hunches({"": ("suicide", "me", 0.99)})))
    for said in sorted(core.control_words.commands[word].words):
        received = receive(suspicious, new_message(said, address=new_phone()))
        assert rows.inbound(core, received.message_id).state_reason == word, said
    assert rows.cases(core) == []


@pytest.mark.parametrize(("kind", "who"), [("suicide", "me"), ("self-harm", "someone"), ("abuse-of-child", "me")])
def test_the_young_are_told_of_childline(core: Core, kind: str, who: Who) -> None:
    assert "Childline" in sure_reply(core, kind, who)


def test_a_hint_after_a_no_goes_on_as_a_question_and_staff_see_it_in_the_case(core: Core) -> None:
    hears(core, HINT)
    hears(core, "no")
    again = hears(core, LESS_STRONG_HINT)
    assert (again.turn_for, again.outbox_id) == (again.message_id, None)
    assert again.message_id in {evidence.entry_id for evidence in rows.evidence(core)}
    assert case(core).denied_at is not None
