"""A turn: what the assistant is asked, what is done with its answer, and what is said while it is away."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpline.domain.messages import InboundMessage, Reply, Understanding
from helpline.domain.sms import segments
from helpline.domain.text import for_assistant
from helpline.services import answering
from helpline.services.core import Core
from helpline.services.receiving import receive
from helpline.services.threads import thread_after
from helpline.services.turns import TurnRequest, give_up, hold, next_turn, settle_turn
from tests.fakes import PHONE, SettableClock, text_from
from tests.services import rows

QUESTION = "how do i stop mum falling"


def a_message(core: Core, text: str = QUESTION, provider_id: str = "SM1", channel: str = "sms") -> int:
    return receive(core, InboundMessage(channel, provider_id, PHONE, text)).message_id


def asked(core: Core, message_id: int) -> TurnRequest:
    request = next_turn(core, message_id)
    assert request is not None
    return request


def answer(core: Core, message_id: int, *words: str) -> str:
    settle_turn(core, message_id, [Reply(said) for said in words or ("an answer",)])
    return rows.texts(core)[-1]


def test_waiting_messages_are_taken_oldest_first_and_only_up_to_the_one_at_hand(core: Core) -> None:
    first, second, third = (a_message(core, f"question {number}", f"SM{number}") for number in range(3))
    assert asked(core, second).message_id == first
    answer(core, first)
    assert asked(core, second).message_id == second
    answer(core, second)
    assert next_turn(core, second) is None
    assert asked(core, third).message_id == third


def test_a_message_that_is_not_there_needs_no_turn(core: Core) -> None:
    assert next_turn(core, 4_711) is None


def test_the_assistant_is_told_an_opaque_name_and_no_address(core: Core) -> None:
    request = asked(core, a_message(core))
    conversation = rows.conversation(core)
    assert request.sender == conversation.assistant_id
    assert PHONE.lstrip("+") not in repr(request)
    assert conversation.assistant_id != rows.contact(core).id


def test_asking_again_for_the_same_message_uses_the_same_session(core: Core) -> None:
    message_id = a_message(core)
    assert asked(core, message_id) == asked(core, message_id)


@given(
    prefix=st.text(
        alphabet=st.one_of(
            st.sampled_from("/\\\uff0f\u2044\u2215\u29f8\uff3c \t\n\u200b\u200e\u202e\ufeff\u00a0\u0301\u00ad\ufe0f"),
            st.characters(),
        ),
        max_size=6,
    ),
    rest=st.sampled_from(["restart", 'guide/falls{"a": "b"}', "", "what now", "/session_start"]),
)
def test_no_text_reaches_the_assistant_with_a_slash_before_its_first_letter(prefix: str, rest: str) -> None:
    passed = for_assistant(f"{prefix}/{rest}")
    # Rasa strips white space before it looks for its own command sign.
    assert not passed.strip().startswith("/")
    assert len(passed) <= 1_000


@given(st.text())
def test_text_that_begins_with_a_letter_is_passed_on_as_it_is(rest: str) -> None:
    assert for_assistant("a" + rest) == ("a" + rest).strip()[:1_000]


def test_the_assistant_is_told_the_question_that_is_open_and_what_the_talk_is_about(core: Core) -> None:
    first = a_message(core)
    assert asked(core, first).metadata | {"message_id": 0} == {
        "message_id": 0,
        "channel": "sms",
        "expects": None,
        "place": None,
        "command": None,
        "last": None,
    }
    answering.answer_guide_question(core, first, Understanding("guide/falls", 0.9, "falls", "stop-falls"))
    answer(core, first)
    metadata = asked(core, a_message(core, "yes", "SM2")).metadata
    assert metadata["expects"] == {"kind": "yes_no", "about": "helped"}
    companions = list(core.guide.topics["falls"].goes_with)
    assert companions
    assert metadata["last"] == {"topic": "falls", "answer": "stop-falls", "goes_with": companions}


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("MENU", "menu"),
        ("more please", "more"),
        ("why?", "why"),
        ("repeat", "repeat"),
        ("TALK", "talk_to_a_person"),
        ("tell me why it costs more", None),
    ],
)
def test_a_command_to_the_assistant_is_named_for_it(core: Core, typed: str, command: str | None) -> None:
    assert asked(core, a_message(core, typed)).metadata["command"] == command


@pytest.mark.parametrize(
    ("typed", "place"),
    [
        (
            "SS1 2AB",
            {
                "district": "Southend-on-Sea",
                "authority": "southend",
                "ambiguous": False,
                "out_of_area": False,
                "whole_message": True,
            },
        ),
        (
            "NR1 1AA",
            {"district": None, "authority": None, "ambiguous": False, "out_of_area": True, "whole_message": True},
        ),
    ],
)
def test_a_place_is_read_out_for_the_assistant(core: Core, typed: str, place: dict[str, object]) -> None:
    assert asked(core, a_message(core, typed)).metadata["place"] == place


def test_several_replies_become_one_and_the_message_is_answered_in_the_same_commit(
    core: Core, clock: SettableClock
) -> None:
    message_id = a_message(core, channel="web")
    outbox_id = settle_turn(core, message_id, [Reply(" one ", ("Yes",)), Reply("two", ("No",))])
    [reply] = rows.outbox(core)
    assert (reply.entry_id, reply.text) == (outbox_id, "one\n\ntwo")
    settled = rows.inbound(core, message_id)
    assert (settled.state, settled.settled_at) == ("answered", clock.now())
    assert thread_after(core, "web", PHONE)[-1].options == ("Yes", "No")


def test_settling_twice_gives_one_reply(core: Core) -> None:
    message_id = a_message(core)
    assert settle_turn(core, message_id, [Reply("one")]) is not None
    assert settle_turn(core, message_id, [Reply("two")]) is None
    assert len(rows.outbox(core)) == 1


def test_the_first_text_a_person_gets_says_who_we_are_and_later_ones_do_not(core: Core) -> None:
    lead = core.say("first-contact-lead", "sms")
    assert answer(core, a_message(core, QUESTION, "SM1")) == f"{lead} an answer"
    assert answer(core, a_message(core, QUESTION, "SM2")) == "an answer"


def test_a_chat_answer_has_no_lead_because_the_page_says_it(core: Core) -> None:
    assert answer(core, a_message(core, channel="web")) == "an answer"


def test_a_text_goes_out_in_plain_letters_and_never_longer_than_three_parts(core: Core) -> None:
    answer(
        core, a_message(core), "It\u2019s \u201cfree\u201d \u2013 ask\u2026 " + "A sentence of some length here. " * 40
    )
    [reply] = rows.outbox(core)
    assert (reply.encoding, reply.segments) == ("GSM-7", 3)
    assert 'It\'s "free" - ask...' in reply.text
    assert reply.text.endswith(".")


def test_an_answer_that_comes_after_stop_is_not_sent(core: Core) -> None:
    message_id = a_message(core)
    receive(core, text_from("STOP", "SM2"))
    assert settle_turn(core, message_id, [Reply("late")]) is None
    stored = rows.inbound(core, message_id)
    assert (stored.state, stored.state_reason) == ("suppressed", "opted-out")
    assert "late" not in " ".join(rows.texts(core))


def test_a_person_is_told_once_in_a_spell_of_waiting_that_the_answer_is_coming(core: Core) -> None:
    first, second = a_message(core, "one", "SM1"), a_message(core, "two", "SM2")
    held = hold(core, first)
    assert held is not None
    assert hold(core, first) in (None, held)
    assert hold(core, second) is None
    assert [reply.purpose for reply in rows.outbox(core)] == ["holding"]


def test_the_answer_after_a_holding_message_says_that_it_is_the_one_promised(core: Core) -> None:
    first, second = a_message(core, "one", "SM1"), a_message(core, "two", "SM2")
    hold(core, first)
    assert answer(core, first) == f"{core.say('late-answer-lead', 'sms')} an answer"
    assert answer(core, second) == "an answer"


def test_the_next_spell_of_waiting_is_apologised_for_again(core: Core, clock: SettableClock) -> None:
    first = a_message(core, "one", "SM1")
    hold(core, first)
    answer(core, first)
    clock.advance(timedelta(hours=1))
    assert hold(core, a_message(core, "two", "SM2")) is not None


def test_a_person_who_left_while_waiting_and_came_back_is_told_of_the_next_wait(core: Core) -> None:
    first = a_message(core, "one", "SM1")
    hold(core, first)
    receive(core, text_from("STOP", "SM2"))
    assert next_turn(core, first) is not None
    settle_turn(core, first, [Reply("an answer")])
    receive(core, text_from("START", "SM3"))
    assert hold(core, a_message(core, "two", "SM4")) is not None


def test_nobody_is_held_who_has_been_answered_or_has_opted_out(core: Core) -> None:
    first = a_message(core, "one", "SM1")
    answer(core, first)
    assert hold(core, first) is None
    second = a_message(core, "two", "SM2")
    receive(core, text_from("STOP", "SM3"))
    assert hold(core, second) is None


def test_giving_up_says_whom_to_ring_and_hands_the_message_to_staff(core: Core) -> None:
    message_id = a_message(core)
    outbox_id = give_up(core, message_id)
    stored = rows.inbound(core, message_id)
    assert (stored.state, stored.state_reason) == ("handed-to-staff", "assistant-failed")
    [reply] = rows.outbox(core)
    assert reply.entry_id == outbox_id
    assert core.say("could-not-answer", "sms") in reply.text
    assert give_up(core, message_id) is None
    assert settle_turn(core, message_id, [Reply("after all")]) is None


def test_giving_up_on_a_person_who_opted_out_says_nothing(core: Core) -> None:
    message_id = a_message(core)
    receive(core, text_from("STOP", "SM2"))
    assert give_up(core, message_id) is None
    assert rows.inbound(core, message_id).state == "handed-to-staff"


def test_every_answer_of_the_guide_keeps_its_number_when_it_is_a_persons_first_and_late_text(core: Core) -> None:
    lead = f"{core.say('first-contact-lead', 'sms')} "
    late = f"{core.say('late-answer-lead', 'sms')} "
    too_long = []
    for topic in core.guide.topics.values():
        for answer_id in (None, *topic.answers):
            for authority in (None, *core.guide.authorities):
                text = answering.answer_text(
                    core.guide, topic.id, answer_id, "short", authority, core.today(), core.words
                ).text
                whole = f"{text} {core.say('ask-helped', 'sms')}"
                for before in (lead, late):
                    if segments(before + whole).count > 3:
                        too_long.append((topic.id, answer_id, authority, before[:20], segments(before + whole)))
    assert too_long == []
