"""A code joins another channel to the same conversation; nothing else does, and nothing said before is shown there."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from channels.gateway import Gateway
from helpline.domain.messages import InboundMessage, Understanding
from helpline.services import answering
from helpline.services.arrival import Received
from helpline.services.core import Core
from helpline.services.receiving import receive
from helpline.services.threads import thread_after
from helpline.storage.models import DangerCase, JoinCode, StaffAlarm
from tests.conftest import StartedWork
from tests.fakes import PHONE, SettableClock, new_message
from tests.services import rows
from tests.services.conftest import Hears

WEB, TELEGRAM, OTHER_WEB = "web-session-1", "5150", "web-session-2"
NUMBER, PAGE, BOT = "+441245555555", "https://care.example/chat", "@care_bot"
FALLS = Understanding("guide/falls", 0.93, "falls", "stop-falls", 0.8)
DANGER = "i want to kill myself"


@pytest.fixture
def core(core: Core) -> Core:
    return replace(core, doors={"sms": NUMBER, "web": PAGE, "telegram": BOT})


def code_given(core: Core) -> str:
    found = re.search(r"\b\d{4} \d{4}\b", rows.texts(core)[-1])
    assert found is not None
    return found.group()


def last_said(core: Core, channel: str, address: str) -> str:
    return [one.text for one in thread_after(core, channel, address) if not one.from_person][-1]


def ask_about_falls(core: Core, received: Received) -> str:
    return answering.answer_guide_question(core, received.message_id, FALLS).text


def test_a_code_from_a_text_goes_on_in_web_chat_with_the_place_and_the_topic_kept(core: Core, hears: Hears) -> None:
    ask_about_falls(core, hears("mum keeps falling, we live in Chelmsford"))
    hears("WEB")
    assert PAGE in rows.texts(core)[-1] and "10 minutes" in rows.texts(core)[-1]
    hears(code_given(core), "web", WEB)
    assert last_said(core, "web", WEB) == core.say("join-done", "chat")
    talk = rows.conversation(core, "web", WEB)
    assert talk.id == rows.conversation(core).id
    assert (talk.district, talk.topic, talk.answer) == ("Chelmsford", "falls", "stop-falls")


def test_what_was_said_before_is_not_shown_on_the_joined_channel(core: Core, hears: Hears) -> None:
    hears("mum keeps falling")
    hears("WEB")
    hears(code_given(core), "web", WEB)
    shown = " ".join(one.text for one in thread_after(core, "web", WEB))
    assert "falling" not in shown


def test_the_channel_that_the_code_came_from_is_told_and_can_undo_it(
    core: Core, hears: Hears, gateway: Gateway, started: StartedWork
) -> None:
    hears("we live in Harlow")
    hears("WEB")
    joined = hears(code_given(core), "web", WEB)
    notice = joined.notices[0][0]
    assert last_said(core, "sms", PHONE) == core.say("join-notice-web", "sms")
    assert notice in [one.entry_id for one in rows.outbox(core)]
    hears("NOT ME")
    assert rows.conversation(core, "web", WEB).id != rows.conversation(core).id
    assert rows.conversation(core, "web", WEB).district is None
    assert rows.conversation(core).district == "Harlow"


def test_the_notice_is_sent_at_once(core: Core, hears: Hears, gateway: Gateway, started: StartedWork) -> None:
    gateway.core = core
    hears("WEB")
    gateway.handle_inbound(InboundMessage("web", "W1", WEB, code_given(core)))
    assert started.sends == [one.entry_id for one in rows.outbox(core)][-2:][::-1]


def test_a_stranger_who_joined_cannot_take_the_conversation_away(core: Core, hears: Hears) -> None:
    hears("we live in Harlow")
    hears("WEB")
    hears(code_given(core), "web", WEB)
    hears("not me", "web", WEB)
    assert rows.conversation(core).district == "Harlow"
    assert rows.conversation(core, "web", WEB).district is None


def test_not_me_from_somebody_who_joined_nothing_is_an_ordinary_message(core: Core, hears: Hears) -> None:
    received = hears("not me")
    assert received.turn_for == received.message_id


@pytest.mark.parametrize(
    ("word", "channel", "address", "to", "at", "door"),
    [
        ("TEXT", "web", WEB, "sms", PHONE, NUMBER),
        ("telegram", "sms", PHONE, "telegram", TELEGRAM, BOT),
        ("web chat", "telegram", TELEGRAM, "web", WEB, PAGE),
    ],
)
def test_every_channel_can_be_joined_from_every_other(
    core: Core, hears: Hears, word: str, channel: str, address: str, to: str, at: str, door: str
) -> None:
    hears(word, channel, address)
    assert door in rows.texts(core)[-1]
    hears(code_given(core), to, at)
    assert rows.conversation(core, to, at).id == rows.conversation(core, channel, address).id


def test_a_code_is_good_once(core: Core, hears: Hears) -> None:
    hears("WEB")
    code = code_given(core)
    hears(code, "web", WEB)
    hears(code, "web", OTHER_WEB)
    assert last_said(core, "web", OTHER_WEB) == core.say("join-wrong", "chat")
    assert rows.conversation(core, "web", OTHER_WEB).id != rows.conversation(core).id


def test_a_code_is_good_for_ten_minutes(core: Core, hears: Hears, clock: SettableClock) -> None:
    hears("WEB")
    code = code_given(core)
    clock.advance(timedelta(minutes=10))
    hears(code, "web", WEB)
    assert last_said(core, "web", WEB) == core.say("join-wrong", "chat")


def test_a_new_code_takes_the_place_of_the_last_one(core: Core, hears: Hears) -> None:
    hears("WEB")
    first = code_given(core)
    hears("WEB")
    hears(first, "web", WEB)
    assert last_said(core, "web", WEB) == core.say("join-wrong", "chat")


def test_a_code_for_one_channel_does_not_join_another(core: Core, hears: Hears) -> None:
    hears("TELEGRAM")
    hears(code_given(core), "web", WEB)
    assert last_said(core, "web", WEB) == core.say("join-wrong", "chat")


def test_after_five_wrong_codes_in_an_hour_even_the_right_one_is_refused(
    core: Core, hears: Hears, clock: SettableClock
) -> None:
    hears("WEB")
    code = code_given(core)
    wrong = f"{(int(code.replace(' ', '')) + 1) % 10**8:08}"
    for _ in range(5):
        hears(wrong, "web", WEB)
    hears(code, "web", WEB)
    assert last_said(core, "web", WEB) == core.say("join-too-many", "chat")
    clock.advance(timedelta(hours=1))
    hears("WEB")
    hears(code_given(core), "web", WEB)
    assert last_said(core, "web", WEB) == core.say("join-done", "chat")


def test_after_a_hundred_wrong_codes_by_all_none_is_taken_and_staff_are_told(core: Core, hears: Hears) -> None:
    hears("WEB")
    code = code_given(core)
    wrong = f"{(int(code.replace(' ', '')) + 1) % 10**8:08}"
    for number in range(100):
        receive(core, new_message(wrong, "web", f"guesser-{number}"))
    hears(code, "web", WEB)
    assert last_said(core, "web", WEB) == core.say("join-too-many", "chat")
    assert [alarm.kind for alarm in rows.all_of(core, StaffAlarm)] == ["many-wrong-codes"]


def test_the_code_is_not_kept_in_the_clear(core: Core, hears: Hears) -> None:
    hears("WEB")
    kept = rows.all_of(core, JoinCode)[0]
    assert code_given(core).replace(" ", "") not in kept.code_hash


def test_where_a_channel_is_not_open_that_is_said(core: Core, hears: Hears) -> None:
    closed = replace(core, doors={})
    receive(closed, new_message("telegram"))
    assert rows.texts(core)[-1] == core.say("join-not-offered", "sms")


def test_the_place_of_the_joined_channel_is_kept_where_the_other_knew_none(core: Core, hears: Hears) -> None:
    hears("we live in Harlow", "web", WEB)
    hears("WEB")
    hears(code_given(core), "web", WEB)
    assert rows.conversation(core).district == "Harlow"


def test_danger_told_of_on_one_channel_is_known_on_the_joined_one(core: Core, hears: Hears) -> None:
    hears("WEB")
    code = code_given(core)
    hears(DANGER)
    hears(code, "web", WEB)
    hears(DANGER, "web", WEB)
    assert len(rows.all_of(core, DangerCase)) == 1


def test_stop_on_one_channel_leaves_the_other_open(core: Core, hears: Hears) -> None:
    hears("WEB")
    hears(code_given(core), "web", WEB)
    hears("STOP")
    received = hears("how do i get a blue badge", "web", WEB)
    assert received.turn_for == received.message_id


def test_a_message_with_danger_and_a_code_is_answered_as_danger(core: Core, hears: Hears) -> None:
    hears("WEB")
    assert hears(f"{code_given(core)} {DANGER}", "web", WEB).danger_kind == "suicide"
