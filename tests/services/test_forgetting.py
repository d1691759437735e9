"""FORGET ME deletes what a person told us, on every channel of theirs, and leaves what keeps somebody safe."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from helpline.domain.messages import Reply, SendResult, Understanding
from helpline.services import answering
from helpline.services.cases import close
from helpline.services.core import Core
from helpline.services.forgetting import drop_addresses
from helpline.services.receiving import receive
from helpline.services.sending import claim, record_sent
from helpline.services.threads import thread_after
from helpline.services.turns import settle_turn
from helpline.storage.models import Contact, ThreadEntry
from tests.fakes import PHONE, SettableClock, new_message
from tests.services import rows
from tests.services.conftest import Hears

SECRET = "mum has wandered from 12 Oak Road again"
DANGER = "i want to kill myself"
FALLS = Understanding("guide/falls", 0.93, "falls", "stop-falls", 0.8)
A_DAY = timedelta(days=1)


def everything_stored(core: Core) -> str:
    with core.database.read() as session:
        words = list(session.scalars(select(ThreadEntry.text)))
    records = [record.reply_text or "" for record in rows.turn_records(core)]
    return " ".join([*words, *records])


def told_us(core: Core, hears: Hears) -> None:
    received = hears(f"{SECRET} we live in Harlow")
    reply = answering.answer_guide_question(core, received.message_id, FALLS)
    settle_turn(core, received.message_id, [reply])


def test_it_is_asked_first_and_nothing_is_deleted_yet(core: Core, hears: Hears) -> None:
    told_us(core, hears)
    hears("FORGET ME")
    assert rows.texts(core)[-1] == core.say("forget-ask", "sms")
    assert SECRET in everything_stored(core)


@pytest.mark.parametrize("answer", ["yes", "Y", "forget me"])
def test_after_a_yes_or_the_same_again_nothing_of_what_was_said_is_left(core: Core, hears: Hears, answer: str) -> None:
    told_us(core, hears)
    hears("forget me")
    hears(answer)
    assert rows.texts(core)[-1] == core.say("forgotten", "sms")
    left = everything_stored(core)
    assert (
        "Oak Road" not in left
        and "Harlow" not in left
        and core.guide.topics["falls"].answers["stop-falls"].short[:20] not in left
    )
    talk = rows.conversation(core)
    assert (talk.district, talk.topic, talk.expects) == (None, None, None)


def test_after_a_no_everything_is_kept(core: Core, hears: Hears) -> None:
    told_us(core, hears)
    hears("forget me")
    hears("no")
    assert rows.texts(core)[-1] == core.say("forget-kept", "sms")
    assert SECRET in everything_stored(core)
    received = hears("yes")
    assert received.turn_for == received.message_id and SECRET in everything_stored(core)


def test_another_question_instead_of_an_answer_deletes_nothing_and_is_answered(core: Core, hears: Hears) -> None:
    told_us(core, hears)
    hears("forget me")
    received = hears("how do i get a blue badge")
    assert received.turn_for == received.message_id
    hears("yes")
    assert SECRET in everything_stored(core)


def test_a_yes_after_an_hour_deletes_nothing(core: Core, hears: Hears, clock: SettableClock) -> None:
    told_us(core, hears)
    hears("forget me")
    clock.advance(timedelta(hours=1))
    received = hears("yes")
    assert received.turn_for == received.message_id and SECRET in everything_stored(core)
    assert rows.conversation(core).expects is None


def test_what_waits_to_be_sent_is_not_sent_but_the_confirmation_is(core: Core, hears: Hears) -> None:
    told_us(core, hears)
    hears("forget me")
    hears("yes")
    states = {one.text: one.state for one in rows.outbox(core)}
    assert states == {"": "suppressed", core.say("forgotten", "sms"): "queued"}
    claimed = claim(core, rows.outbox(core)[-1].entry_id)
    assert claimed is not None and claimed.message.address == PHONE


def test_the_address_goes_a_day_later_and_the_person_is_new_when_they_write_again(
    core: Core, hears: Hears, clock: SettableClock
) -> None:
    told_us(core, hears)
    known = rows.contact(core).id
    hears("forget me")
    hears("yes")
    assert drop_addresses(core) == 0
    clock.advance(A_DAY)
    assert drop_addresses(core) == 1
    with core.database.read() as session:
        contact = session.get_one(Contact, known)
        assert (contact.address_encrypted, contact.forget_at) == ("", None)
    hears("hello")
    assert rows.contact(core).id != known


def test_who_ended_the_texts_is_still_known_as_that_when_the_address_is_gone(
    core: Core, hears: Hears, clock: SettableClock
) -> None:
    told_us(core, hears)
    hears("STOP")
    hears("forget me")
    hears("yes")
    assert "Oak Road" not in everything_stored(core)
    clock.advance(A_DAY)
    drop_addresses(core)
    assert hears("how do i get a blue badge").turn_for is None
    hears("START")
    claimed = claim(core, rows.outbox(core)[-1].entry_id)
    assert claimed is not None and claimed.message.address == PHONE


def test_what_showed_danger_is_kept_and_so_is_the_number_until_staff_close_the_case(
    core: Core, hears: Hears, clock: SettableClock
) -> None:
    told_us(core, hears)
    hears(DANGER)
    hears("forget me")
    hears("yes")
    assert rows.texts(core)[-1] == core.say("forgotten-but-case", "sms")
    stored = everything_stored(core)
    assert DANGER in stored and "Oak Road" not in stored
    assert [case.state for case in rows.cases(core)] == ["open"]
    clock.advance(A_DAY)
    assert drop_addresses(core) == 0
    close(core, rows.cases(core)[0].id, "Ann", "spoke to her")
    assert drop_addresses(core) == 1


def test_nothing_of_before_is_shown_or_repeated(core: Core, hears: Hears) -> None:
    told_us(core, hears)
    hears("forget me")
    hears("yes")
    assert all("Oak Road" not in one.text for one in thread_after(core, "sms", PHONE))
    again = hears("repeat")
    said = answering.repeat_last(core, again.message_id, Understanding("repeat", 0.9))
    assert isinstance(said, Reply) and "falls" not in said.text.lower()


def test_a_confirmation_that_is_to_be_sent_after_the_address_is_gone_is_dropped(
    core: Core, hears: Hears, clock: SettableClock
) -> None:
    hears("forget me")
    hears("yes")
    clock.advance(A_DAY)
    drop_addresses(core)
    entry_id = rows.outbox(core)[-1].entry_id
    assert claim(core, entry_id) is None
    assert rows.outbox(core)[-1].state == "suppressed"


def test_a_message_that_comes_again_after_it_was_forgotten_is_still_known(core: Core, hears: Hears) -> None:
    message = new_message(SECRET)
    assert receive(core, message).new
    hears("forget me")
    hears("yes")
    assert not receive(core, message).new
    record_sent(core, rows.outbox(core)[-1].entry_id, SendResult("P1"))
