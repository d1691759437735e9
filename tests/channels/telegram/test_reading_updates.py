"""What an update of Telegram's means: a person's message, a group, an edit, a button, or nothing."""

from datetime import timedelta

import pytest

from channels.telegram.buttons import ButtonData
from channels.telegram.updates import Edited, FromGroup, Pressed, read_update
from helpline.domain.messages import InboundMessage
from tests.channels.telegram.updates import CHAT, payload, read, text
from tests.fakes import NOON

SAID = [
    # fixture, provider id, text, media
    ("text", "810000001", "how do i stop mum falling", ()),
    ("start", "810000002", "START", ()),
    ("start_from_link", "810000003", "START", ()),
    ("stop_with_name", "810000004", "stop", ()),
    ("photo_with_caption", "810000005", "is this walking frame right for mum", ("photo",)),
    ("album_second_photo", "album:13900000000001", "", ("photo",)),
    ("voice", "810000007", "", ("voice",)),
    ("sticker", "810000008", "", ("sticker",)),
    ("animation", "810000009", "", ("animation",)),
    ("location", "810000010", "", ("location",)),
    ("venue", "810000011", "Chelmsford Library, Market Road, Chelmsford", ("venue",)),
    ("contact", "810000012", "", ("contact",)),
    ("not_known_yet", "810000013", "", ("unknown",)),
    ("blocked", "block:810000019", "STOP", ()),
]


@pytest.mark.parametrize(("name", "provider_id", "words", "media"), SAID, ids=[said[0] for said in SAID])
def test_what_a_person_sends_is_a_message_with_its_words_and_the_kinds_of_the_rest(
    name: str, provider_id: str, words: str, media: tuple[str, ...]
) -> None:
    assert read_update(read(payload(name)), NOON) == InboundMessage("telegram", provider_id, CHAT, words, media)


@pytest.mark.parametrize("name", ["pinned", "live_location_moved", "unblocked", "removed_from_group", "channel_post"])
def test_what_nobody_said_is_nothing(name: str) -> None:
    assert read_update(read(payload(name)), NOON) is None


@pytest.mark.parametrize("name", ["text_in_group", "added_to_group"])
def test_a_group_is_told_from_a_person(name: str) -> None:
    assert read_update(read(payload(name)), NOON) == FromGroup(-1005550002)


def test_an_edit_and_a_button_are_known_for_what_they_are() -> None:
    edited = read_update(read(payload("edited")), NOON)
    assert isinstance(edited, Edited) and edited.written_at == NOON
    assert (edited.message.provider_id, edited.message.text) == ("edit:810000015", "how do i stop dad falling")
    pressed = read_update(read(payload("button")), NOON)
    assert isinstance(pressed, Pressed)
    assert (pressed.message.text, pressed.data, pressed.message_id) == ("Yes", ButtonData(2, 0, "Yes"), 31)
    old = read_update(read(payload("button_of_an_old_message")), NOON)
    assert isinstance(old, Pressed) and old.message.text == "No"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("/help", "help"),
        ("/menu", "menu"),
        ("/STOP", "STOP"),
        ("/stop please", "stop please"),
        ("/start abc", "START"),
    ],
)
def test_a_command_is_the_control_word_without_its_slash(typed: str, meant: str) -> None:
    length = len(typed.split()[0])
    update = text(typed, entities=[{"offset": 0, "length": length, "type": "bot_command"}])
    heard = read_update(read(update), NOON)
    assert isinstance(heard, InboundMessage) and heard.text == meant


def test_a_command_inside_a_sentence_stays_a_word_of_it() -> None:
    update = text("what does /stop do", entities=[{"offset": 10, "length": 5, "type": "bot_command"}])
    heard = read_update(read(update), NOON)
    assert isinstance(heard, InboundMessage) and heard.text == "what does /stop do"


def test_another_bot_is_not_a_person() -> None:
    update = text("hello")
    update["message"]["from"]["is_bot"] = True
    assert read_update(read(update), NOON) is None


def test_a_message_that_waited_at_telegram_says_that_it_comes_late() -> None:
    on_time, late = (read_update(read(payload("text")), NOON + timedelta(minutes=minutes)) for minutes in (10, 11))
    assert isinstance(on_time, InboundMessage) and isinstance(late, InboundMessage)
    assert (on_time.late, late.late) == (False, True)
