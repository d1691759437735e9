"""A message comes in: stored once, read for danger first, and answered at once where no model is needed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from helpline.domain.messages import InboundMessage
from helpline.services.core import Core
from helpline.services.receiving import receive
from helpline.services.turns import next_turn
from helpline.storage.models import Contact, Conversation, Inbound
from tests.fakes import PHONE, SettableClock, new_message, text_from
from tests.services import rows

DANGER = "i want to kill myself"
QUESTION = "how do i stop mum falling"


def test_a_message_is_stored_as_it_came_before_anything_is_done_about_it(core: Core, clock: SettableClock) -> None:
    received = receive(core, text_from(QUESTION, media=("image/jpeg",)))
    assert received.new and received.turn_for == received.message_id
    assert (received.outbox_id, received.danger_kind) == (None, None)
    stored = rows.inbound(core, received.message_id)
    assert (stored.channel, stored.provider_id, stored.media, stored.state) == (
        "sms",
        "SM1",
        ["image/jpeg"],
        "received",
    )
    assert rows.stored_text(core, received.message_id) == QUESTION
    assert rows.contact(core).created_at == clock.now()
    assert rows.outbox(core) == []


def test_a_repeat_of_a_message_is_recognised_for_ever(core: Core, clock: SettableClock) -> None:
    first = receive(core, text_from(QUESTION))
    clock.advance(timedelta(days=400))
    again = receive(core, text_from(QUESTION))
    assert (again.message_id, again.contact_id, again.new) == (first.message_id, first.contact_id, False)
    assert again.turn_for is None
    assert len(rows.all_of(core, Inbound)) == 1


def test_a_repeat_with_danger_in_it_is_not_answered_twice(core: Core) -> None:
    assert receive(core, text_from(DANGER)).outbox_id is not None
    again = receive(core, text_from(DANGER))
    assert (again.new, again.outbox_id, again.case_id) == (False, None, None)
    assert len(rows.outbox(core)) == 1


def test_the_same_provider_id_on_another_channel_is_another_message(core: Core) -> None:
    sms = receive(core, text_from(QUESTION, "X1"))
    web = receive(core, InboundMessage("web", "X1", PHONE, QUESTION))
    assert web.new and web.message_id != sms.message_id
    assert web.contact_id != sms.contact_id


def test_a_message_delivered_many_times_at_once_is_one_row_and_one_safety_reply(core: Core) -> None:
    with ThreadPoolExecutor(8) as pool:
        received = list(pool.map(lambda _: receive(core, text_from(DANGER)), range(16)))
    assert len({one.message_id for one in received}) == 1
    assert {one.contact_id for one in received} == {rows.contact(core).id}
    assert sum(one.new for one in received) == 1
    assert sum(one.outbox_id is not None for one in received) == 1
    assert len(rows.all_of(core, Inbound)) == len(rows.outbox(core)) == len(rows.cases(core)) == 1


def test_the_first_messages_of_a_new_person_all_arriving_at_once_are_all_stored(core: Core) -> None:
    with ThreadPoolExecutor(8) as pool:
        received = list(pool.map(lambda number: receive(core, text_from(QUESTION, f"SM{number}")), range(12)))
    assert all(one.new for one in received)
    assert len({one.message_id for one in received}) == 12
    assert len(rows.all_of(core, Contact)) == 1


UNREADABLE = [
    ("empty", "", ()),
    ("empty", "  \n ", ()),
    ("empty", "\x00", ()),
    ("media-only", "", ("image/jpeg",)),
    ("location-only", "", ("location",)),
    ("emoji-only", "\U0001f622\U0001f622", ()),
    ("emoji-only", "???", ()),
    ("emoji-only", "/", ()),
    ("emoji-only", "\ud83d", ()),
    ("link-only", "https://example.org/a?b=c", ()),
    ("link-only", "www.example.org www.example.com", ()),
]


@pytest.mark.parametrize(("reply_id", "typed", "media"), UNREADABLE)
def test_what_has_no_words_is_answered_at_once_without_the_assistant(
    core: Core, reply_id: str, typed: str, media: tuple[str, ...]
) -> None:
    received = receive(core, text_from(typed, media=media))
    assert received.turn_for is None
    [reply] = rows.outbox(core)
    assert reply.entry_id == received.outbox_id
    assert reply.text.endswith(core.say(reply_id, "sms"))
    assert (reply.in_reply_to, reply.purpose, reply.state) == (received.message_id, "reply", "queued")
    assert reply.encoding == "GSM-7" and reply.segments <= 3
    assert rows.inbound(core, received.message_id).state_reason == reply_id


LONG_QUESTION = "Can mum get a blue badge if she has not got a car? " * 200
READABLE = [
    ("a \x00question", "a question", "a question"),
    ("how \ud83d much", "how ? much", "how ? much"),
    ("\u202eكيف أحصل على مساعدة", "\u202eكيف أحصل على مساعدة", "كيف أحصل على مساعدة"),
    ("/restart", "/restart", "restart"),
    ('\uff0fintent{"a":"b"}', '\uff0fintent{"a":"b"}', 'intent{"a":"b"}'),
    ("see https://example.org please", "see https://example.org please", "see https://example.org please"),
    ("care \U0001f600", "care \U0001f600", "care \U0001f600"),
    (LONG_QUESTION, LONG_QUESTION, LONG_QUESTION[:1_000]),
]


@pytest.mark.parametrize(("typed", "stored", "asked"), READABLE)
def test_strange_text_is_kept_whole_and_reaches_the_assistant_harmless(
    core: Core, typed: str, stored: str, asked: str
) -> None:
    received = receive(core, text_from(typed))
    assert received.turn_for == received.message_id
    assert rows.stored_text(core, received.message_id) == stored
    request = next_turn(core, received.message_id)
    assert request is not None
    assert request.text.strip() == asked.strip()


def test_danger_at_the_end_of_ten_thousand_characters_is_still_found(core: Core) -> None:
    received = receive(core, text_from("so much has happened. " * 450 + DANGER))
    assert received.danger_kind == "suicide"


def test_danger_is_found_through_a_leading_slash_and_invisible_letters(core: Core) -> None:
    assert receive(core, text_from(f"/{DANGER}", "SM1")).danger_kind == "suicide"
    assert (
        receive(core, text_from("i want to k\u200bill my\u00adself", "SM2", "+447700900002")).danger_kind == "suicide"
    )


def test_a_sender_that_cannot_be_answered_is_kept_and_not_answered(core: Core) -> None:
    received = receive(core, text_from("Your parcel waits", address="ParcelCo", answerable=False))
    assert received.turn_for is None and received.outbox_id is None
    stored = rows.inbound(core, received.message_id)
    assert (stored.state, stored.state_reason) == ("suppressed", "sender-cannot-be-answered")


def test_danger_from_a_sender_that_cannot_be_answered_still_opens_a_case(core: Core) -> None:
    received = receive(core, text_from(DANGER, address="Anon", answerable=False))
    assert received.outbox_id is None
    assert [case.kind for case in rows.cases(core)] == ["suicide"]


def test_danger_gets_its_reply_and_its_case_in_the_same_commit(core: Core, clock: SettableClock) -> None:
    received = receive(core, text_from(DANGER))
    [reply] = rows.outbox(core)
    [case] = rows.cases(core)
    [evidence] = rows.evidence(core)
    assert reply.purpose == "safety" and "999" in reply.text
    assert reply.encoding == "GSM-7" and reply.segments <= 3
    assert (case.kind, case.state, case.opened_at) == ("suicide", "open", clock.now())
    assert (evidence.entry_id, evidence.case_id, evidence.reply_entry_id) == (
        received.message_id,
        case.id,
        reply.entry_id,
    )
    assert (evidence.tier, evidence.who, evidence.rule) == (1, "me", "suicide-kill-oneself")
    assert (received.outbox_id, received.case_id, received.danger_kind, received.turn_for) == (
        reply.entry_id,
        case.id,
        "suicide",
        None,
    )
    assert rows.inbound(core, received.message_id).state_reason == "safety"


def test_more_of_the_same_danger_joins_the_open_case_and_is_answered_again(core: Core) -> None:
    first = receive(core, text_from(DANGER, "SM1"))
    second = receive(core, text_from("i really want to end my life", "SM2"))
    assert second.case_id == first.case_id
    assert second.outbox_id is not None
    assert len(rows.cases(core)) == 1
    assert len(rows.evidence(core)) == 2


def test_a_danger_of_another_kind_is_a_case_of_its_own(core: Core) -> None:
    receive(core, text_from(DANGER, "SM1"))
    receive(core, text_from("mum is not breathing", "SM2"))
    assert {case.kind for case in rows.cases(core)} == {"suicide", "medical-emergency"}


def test_danger_split_over_two_texts_is_read_together_and_only_within_the_hour(
    core: Core, clock: SettableClock
) -> None:
    receive(core, text_from("i want to kill", "SM1"))
    clock.advance(timedelta(minutes=59))
    assert receive(core, text_from("myself", "SM2")).danger_kind == "suicide"
    other = "+447700900002"
    receive(core, text_from("i want to kill", "SM3", other))
    clock.advance(timedelta(minutes=61))
    assert receive(core, text_from("myself", "SM4", other)).danger_kind is None


def test_one_persons_words_are_never_read_together_with_anothers(core: Core) -> None:
    receive(core, text_from("i want to kill", "SM1"))
    assert receive(core, text_from("myself", "SM2", "+447700900002")).danger_kind is None


def test_stop_ends_all_texts_with_one_confirmation(core: Core, clock: SettableClock) -> None:
    received = receive(core, text_from("STOP"))
    assert rows.contact(core).opted_out_at == clock.now()
    [reply] = rows.outbox(core)
    assert (reply.purpose, reply.text) == ("control", core.say("stop-confirmed", "sms"))
    assert received.outbox_id == reply.entry_id
    again = receive(core, text_from("stop", "SM2"))
    assert again.outbox_id is None and again.turn_for is None
    assert len(rows.outbox(core)) == 1


def test_stop_forgets_the_question_that_was_open(core: Core) -> None:
    receive(core, text_from(QUESTION))
    with core.database.write() as session:
        session.get_one(Conversation, rows.contact(core).conversation_id).expects = {
            "kind": "yes_no",
            "about": "helped",
        }
    receive(core, text_from("STOP", "SM2"))
    assert rows.conversation(core).expects is None


@pytest.mark.parametrize("typed", [QUESTION, "HELP", "", "MENU", "https://example.org"])
def test_after_stop_a_message_is_kept_and_not_answered(core: Core, typed: str) -> None:
    receive(core, text_from("STOP"))
    received = receive(core, text_from(typed, "SM2"))
    assert received.outbox_id is None and received.turn_for is None
    stored = rows.inbound(core, received.message_id)
    assert (stored.state, stored.state_reason) == ("suppressed", "opted-out")
    assert rows.stored_text(core, received.message_id) == typed


def test_danger_after_stop_still_gets_the_safety_reply(core: Core) -> None:
    receive(core, text_from("STOP"))
    received = receive(core, text_from(DANGER, "SM2"))
    assert received.outbox_id is not None and received.case_id is not None
    assert rows.outbox(core)[-1].purpose == "safety"
    assert rows.contact(core).opted_out_at is not None


def test_who_begins_with_start_is_told_what_this_is_and_is_not_welcomed_back(core: Core) -> None:
    received = receive(core, text_from("START"))
    assert rows.texts(core) == [core.say("welcome", "sms")]
    assert rows.inbound(core, received.message_id).state_reason == "start"
    receive(core, text_from("START", "SM2"))
    assert rows.texts(core)[-1] == core.say("start-confirmed", "sms")


def test_start_after_stop_brings_the_texts_back(core: Core) -> None:
    receive(core, text_from("STOP"))
    receive(core, text_from("START", "SM2"))
    assert rows.contact(core).opted_out_at is None
    assert rows.texts(core)[-1] == core.say("start-confirmed", "sms")
    assert receive(core, text_from(QUESTION, "SM3")).turn_for is not None


def test_help_is_answered_at_once(core: Core) -> None:
    received = receive(core, text_from("HELP"))
    [reply] = rows.outbox(core)
    assert (reply.entry_id, reply.purpose, reply.text) == (
        received.outbox_id,
        "control",
        core.say("help", "sms"),
    )


@pytest.mark.parametrize("typed", ["how do i stop a fall", "stop it he is shouting", "help me with a blue badge"])
def test_a_command_inside_a_sentence_is_no_command(core: Core, typed: str) -> None:
    receive(core, text_from(typed))
    assert rows.contact(core).opted_out_at is None
    assert not [reply for reply in rows.outbox(core) if reply.purpose == "control"]


@pytest.mark.parametrize(
    ("typed", "district", "authority"),
    [
        ("I live in SS1 2AB", "Southend-on-Sea", "southend"),
        ("rm17 6sl", "Thurrock", "thurrock"),
        ("Chelmsford", "Chelmsford", "essex"),
        ("how do i get a blue badge", None, None),
    ],
)
def test_a_place_in_any_message_is_noted(core: Core, typed: str, district: str | None, authority: str | None) -> None:
    receive(core, text_from(typed))
    talk = rows.conversation(core)
    assert (talk.district, talk.authority) == (district, authority)


def test_a_place_that_is_already_known_gives_the_right_councils_number_in_the_safety_reply(core: Core) -> None:
    receive(core, text_from("we live in SS1 2AB", "SM1"))
    receive(core, text_from("my carer hits me", "SM2"))
    assert [case.kind for case in rows.cases(core)] == ["abuse-of-adult"]
    assert "01702 215008" in rows.texts(core)[-1]


def test_a_message_in_another_language_gets_a_line_in_it_and_a_mark_for_staff(core: Core) -> None:
    received = receive(core, new_message("Dzien dobry, potrzebuje pomocy dla mojej mamy, nie mowie po angielsku"))
    assert received.turn_for is None
    assert "999" in rows.texts(core)[-1]
    assert [record.intent for record in rows.turn_records(core)] == ["other-language/polish"]


def test_a_line_in_other_letters_is_sent_in_those_letters(core: Core) -> None:
    receive(core, new_message("Здравейте, имам нужда от помощ за майка ми, не говоря английски"))
    last = rows.outbox(core)[-1]
    assert last.encoding == "UCS-2"
    assert last.segments <= 3
    assert "?" not in last.text


def test_danger_in_english_is_answered_first_whatever_language_surrounds_it(core: Core) -> None:
    received = receive(core, new_message("prosze pomoc, moja mama, i want to kill myself"))
    assert received.danger_kind == "suicide"
