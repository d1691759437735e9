"""An edit or a button of Telegram's is what the person says now, once, and answers no other question."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.gateway import Outcome
from channels.telegram.buttons import LARGEST_ENTRY_ID, ButtonData, pack, unpack
from channels.telegram.receive import Intake
from helpline.domain.messages import Purpose
from helpline.services.core import Core
from helpline.storage.models import Inbound
from tests.channels.telegram.updates import CHAT, edit, payload, press, reply_to, take, text
from tests.conftest import StartedWork
from tests.fakes import RecordingSender, SettableClock
from tests.fakes.telegram import FakeTelegram
from tests.services import rows


def test_an_edit_that_changes_words_is_a_new_message_and_one_that_does_not_is_nothing(
    intake: Intake, core: Core
) -> None:
    take(intake, payload("text"), edit("How do I stop mum falling?!", 810000040))
    assert len(rows.all_of(core, Inbound)) == 1
    take(intake, edit("how do i stop dad falling", 810000041), edit("how do i stop dad falling", 810000041))
    assert [one.provider_id for one in rows.all_of(core, Inbound)] == ["810000001", "edit:810000041"]


def test_danger_in_an_edit_is_seen(intake: Intake, sender: RecordingSender) -> None:
    take(intake, payload("text"), edit("i want to kill myself"))
    assert len(sender.texts) == 1 and "999" in sender.texts[0]


@pytest.mark.parametrize("changed", ["no", "3"])
def test_a_bare_answer_that_is_changed_after_we_went_on_answers_nothing_new(
    intake: Intake, core: Core, clock: SettableClock, changed: str
) -> None:
    take(intake, text("yes"))
    clock.advance(timedelta(seconds=20))
    reply_to(core, rows.all_of(core, Inbound)[0].entry_id)
    take(intake, edit(changed))
    assert len(rows.all_of(core, Inbound)) == 1


def test_a_bare_answer_that_is_changed_before_we_went_on_counts(intake: Intake, core: Core) -> None:
    take(intake, text("yes"), edit("no"))
    assert len(rows.all_of(core, Inbound)) == 2


def test_a_button_is_the_persons_message_answered_and_taken_away(
    intake: Intake, core: Core, telegram: FakeTelegram, asked: int, started: StartedWork
) -> None:
    assert take(intake, press(asked, 0, "Yes")) == [Outcome.STORED]
    pressed = rows.all_of(core, Inbound)[-1]
    assert rows.stored_text(core, pressed.entry_id) == "Yes"
    assert started.turns[-1] == pressed.entry_id
    [answered] = telegram.calls("answerCallbackQuery")
    assert (answered["callback_query_id"], answered["text"]) == ("23867000000000001", "Yes")
    [edited] = telegram.calls("editMessageReplyMarkup")
    assert (edited["chat_id"], edited["message_id"]) == (CHAT, "31") and "reply_markup" not in edited


def test_a_button_pressed_twice_is_said_once_and_a_second_thought_is_said_too(
    intake: Intake, core: Core, asked: int
) -> None:
    take(intake, press(asked, 1, "No", 810000050), press(asked, 1, "No", 810000051), press(asked, 0, "Yes", 810000052))
    said = [rows.stored_text(core, one.entry_id) for one in rows.all_of(core, Inbound)]
    assert said[1:] == ["No", "Yes"]


def test_a_button_of_an_earlier_question_is_not_taken_for_an_answer_to_a_later_one(
    intake: Intake, core: Core, telegram: FakeTelegram, asked: int
) -> None:
    take(intake, text("i cant go on like this", 810000060))
    before = len(rows.all_of(core, Inbound))
    assert rows.outbox(core)[-1].purpose == Purpose.SAFETY
    take(intake, press(asked, 1, "No"))
    assert len(rows.all_of(core, Inbound)) == before
    [answered] = telegram.calls("answerCallbackQuery")
    assert (answered["text"], answered["show_alert"]) == (core.say("button-too-old", "chat"), "true")
    assert len(answered["text"]) <= 200


def test_a_button_with_somebody_elses_number_on_it_takes_nobody_elses_place(
    intake: Intake, core: Core, asked: int
) -> None:
    stranger = press(asked, 0, "Yes", 810000061)
    for part in (stranger["callback_query"]["from"], stranger["callback_query"]["message"]["chat"]):
        part["id"] = 5550777
    take(intake, stranger, press(asked, 0, "Yes", 810000062))
    ids = [one.provider_id for one in rows.all_of(core, Inbound)]
    assert ids == ["810000001", "810000061", f"button:{asked}:0"]


@pytest.mark.parametrize(
    "data", ["", "x", "1:2", "a:b:c", "-1:0:Yes", "\u0661:0:Yes", "9" * 30 + ":0:Yes", "3000000000:0:Yes"]
)
def test_a_button_that_is_none_of_ours_is_answered_and_says_nothing(
    intake: Intake, core: Core, telegram: FakeTelegram, data: str
) -> None:
    update = payload("button")
    update["callback_query"]["data"] = data
    del update["callback_query"]["message"]["reply_markup"]
    take(intake, update)
    assert len(telegram.calls("answerCallbackQuery")) == 1
    assert rows.all_of(core, Inbound) == []


def test_telegram_that_refuses_what_follows_changes_nothing_about_the_message(
    intake: Intake, core: Core, telegram: FakeTelegram, asked: int
) -> None:
    telegram.refuse("answerCallbackQuery", 400, "Bad Request: query is too old")
    assert take(intake, press(asked, 0, "Yes")) == [Outcome.STORED]
    assert len(rows.all_of(core, Inbound)) == 2


@given(st.integers(0, LARGEST_ENTRY_ID), st.integers(0, 99), st.text(min_size=1))
def test_what_a_button_carries_fits_and_comes_back(entry_id: int, number: int, words: str) -> None:
    packed = pack(ButtonData(entry_id, number, words.encode("utf-8", "ignore").decode()))
    assert 1 <= len(packed.encode()) <= 64
    unpacked = unpack(packed)
    assert unpacked is not None and (unpacked.entry_id, unpacked.number) == (entry_id, number)
    assert words.encode("utf-8", "ignore").decode().startswith(unpacked.words)
