"""Sending by Telegram: a message goes as it is and once, and every refusal has a name."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from channels.telegram.bot_api import make_bot
from channels.telegram.send import TelegramSender, split, to_send_error
from helpline.domain.messages import Again, OutboundMessage, SendError
from helpline.services.core import Core
from helpline.services.sending import Delivery, attempt
from helpline.settings import Settings
from tests.channels.telegram.serving import settings_for
from tests.channels.telegram.updates import CHAT
from tests.fakes import NOON
from tests.fakes.telegram import TOKEN, FakeTelegram
from tests.services import rows


@pytest.fixture
def bot_sender(settings: Settings) -> TelegramSender:
    return TelegramSender.from_settings(settings)


def outbound(words: str = "an answer", entry_id: int | None = 7, **more: Any) -> OutboundMessage:
    return OutboundMessage(entry_id, CHAT, words, **more)


def test_a_message_is_sent_as_it_is_without_markup_or_previews(
    bot_sender: TelegramSender, telegram: FakeTelegram
) -> None:
    sent = bot_sender.send(outbound("*not bold* _nor this_ https://example.org <b>"))
    [fields] = telegram.calls("sendMessage")
    assert (fields["chat_id"], fields["text"]) == (CHAT, "*not bold* _nor this_ https://example.org <b>")
    assert "parse_mode" not in fields and "reply_markup" not in fields
    assert fields["link_preview_options"] == {"is_disabled": True}
    assert sent.provider_message_id == "7:100"
    assert telegram.asked[0].token == TOKEN


def test_options_are_buttons_one_a_line(bot_sender: TelegramSender, telegram: FakeTelegram) -> None:
    bot_sender.send(outbound(options=("Yes", "No, a rather long option that says much more than a button can carry")))
    [[yes], [no]] = telegram.calls("sendMessage")[0]["reply_markup"]["inline_keyboard"]
    assert (yes["text"], yes["callback_data"]) == ("Yes", "7:0:Yes")
    assert no["text"].endswith("can carry") and len(no["callback_data"].encode()) == 64


def test_the_options_of_a_reply_travel_from_the_outbox_to_the_buttons(
    core: Core, bot_sender: TelegramSender, telegram: FakeTelegram, asked: int
) -> None:
    assert attempt(core, {"telegram": bot_sender}, asked, is_last_attempt=False).delivery is Delivery.SENT
    buttons = telegram.calls("sendMessage")[0]["reply_markup"]["inline_keyboard"]
    assert [[button["text"] for button in line] for line in buttons] == [["Yes"], ["No"]]
    assert rows.outbox(core)[-1].provider_message_id == f"{asked}:100"


def test_a_long_answer_goes_in_parts_that_end_with_a_paragraph_and_the_buttons_come_last(
    bot_sender: TelegramSender, telegram: FakeTelegram
) -> None:
    paragraphs = [f"{number}. " + "word " * 300 for number in range(6)]
    bot_sender.send(outbound("\n\n".join(paragraphs), options=("Yes",)))
    sent = telegram.calls("sendMessage")
    assert len(sent) == 3 and all(fields["text"].split()[-1] == "word" for fields in sent)
    assert [fields["text"][:2] for fields in sent] == ["0.", "2.", "4."]
    assert ["reply_markup" in fields for fields in sent] == [False, False, True]


def test_a_long_answer_that_was_stopped_halfway_goes_on_where_it_was(
    bot_sender: TelegramSender, telegram: FakeTelegram
) -> None:
    message = outbound("first " * 600 + "\n\n" + "second " * 500)
    telegram.refuse_after("sendMessage", 1, 500)
    with pytest.raises(SendError):
        bot_sender.send(message)
    assert bot_sender.find(message, NOON) is None
    bot_sender.send(message)
    assert [words.split()[0] for words in telegram.texts] == ["first", "second", "second"]


@given(st.text(alphabet="ab .\n\U0001f622", max_size=300), st.integers(2, 40))
def test_the_parts_of_a_text_fit_and_lose_no_word(words: str, most: int) -> None:
    parts = split(words, most)
    assert all(len(part.encode("utf-16-le")) // 2 <= most for part in parts)
    assert "".join("".join(parts).split()) == "".join(words.split())


ERRORS: list[tuple[int, str, dict[str, Any], dict[str, Any]]] = [
    # status, description, parameters, what is made of it
    (403, "Forbidden: bot was blocked by the user", {}, {"code": "telegram-403", "opted_out": True}),
    (403, "Forbidden: user is deactivated", {}, {"code": "telegram-403", "opted_out": True}),
    (400, "Bad Request: chat not found", {}, {"code": "telegram-no-chat", "bad_number": True}),
    (400, "Bad Request: moved", {"migrate_to_chat_id": -100}, {"code": "telegram-no-chat", "bad_number": True}),
    (400, "Bad Request: message is too long", {}, {"code": "telegram-400", "ours": True}),
    (401, "Unauthorized", {}, {"code": "telegram-401", "retryable": True, "ours": True, "pages": True}),
    (404, "Not Found", {}, {"code": "telegram-401", "retryable": True, "ours": True, "pages": True}),
    (
        429,
        "Too Many Requests: retry after 35",
        {"retry_after": 35},
        {"code": "telegram-429", "retryable": True, "retry_after_seconds": 35.0},
    ),
    (500, "Internal Server Error", {}, {"code": "telegram-fault", "retryable": True, "uncertain": True}),
    (502, "Bad Gateway", {}, {"code": "telegram-fault", "retryable": True, "uncertain": True}),
    (0, "", {}, {"code": "telegram-answer", "retryable": True, "uncertain": True}),
]
FIELDS = ("retryable", "ours", "opted_out", "uncertain", "bad_number", "pages")


@pytest.mark.parametrize(("status", "description", "parameters", "expected"), ERRORS)
def test_every_refusal_of_telegrams_is_named_and_known_to_be_final_or_not(
    bot_sender: TelegramSender,
    telegram: FakeTelegram,
    status: int,
    description: str,
    parameters: dict[str, Any],
    expected: dict[str, Any],
) -> None:
    telegram.refuse("sendMessage", status, description, **parameters)
    with pytest.raises(SendError) as failed:
        bot_sender.send(outbound("words of the person"))
    error = failed.value
    made = {field: getattr(error, field) for field in (*FIELDS, "code", "retry_after_seconds")}
    assert made == dict.fromkeys(FIELDS, False) | {"retry_after_seconds": None} | expected
    assert error.staff_note and "words" not in error.staff_note and TOKEN not in error.staff_note


@pytest.mark.parametrize(
    "error",
    [
        *(kind("x") for kind in (Forbidden, BadRequest, InvalidToken, Conflict, TimedOut, NetworkError, TelegramError)),
        *(ChatMigrated(1), RetryAfter(3), TimeoutError()),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_error_of_the_librarys_has_a_name(error: TelegramError | TimeoutError) -> None:
    named = to_send_error(error)
    assert named.code.startswith("telegram-") and len(named.code) <= 40 and named.staff_note
    assert not named.uncertain or named.again is Again.A_FEW_TIMES


def test_nobody_at_home_is_no_doubt_and_a_broken_call_is(telegram: FakeTelegram) -> None:
    with pytest.raises(SendError) as away:
        TelegramSender.from_settings(settings_for()).send(outbound())
    assert (away.value.code, away.value.retryable, away.value.uncertain) == ("telegram-unreachable", True, False)
    with dropping_connections() as address, pytest.raises(SendError) as broken:
        TelegramSender.from_settings(settings_for(address)).send(outbound())
    assert (broken.value.code, broken.value.retryable, broken.value.uncertain) == ("telegram-timeout", True, True)


@contextmanager
def dropping_connections() -> Iterator[str]:
    """A server that takes a request and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            connection.recv(65_536)
            connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


def test_a_chat_that_asks_for_patience_is_left_alone_for_that_long_and_the_others_are_not(
    settings: Settings, telegram: FakeTelegram
) -> None:
    moment = 1_000.0
    sender = TelegramSender(make_bot(settings), now=lambda: moment)
    telegram.refuse("sendMessage", 429, "Too Many Requests", retry_after=35)
    with pytest.raises(SendError):
        sender.send(outbound())
    moment += 20
    with pytest.raises(SendError) as again:
        sender.send(outbound("another", 8))
    assert again.value.retry_after_seconds == 15
    assert len(telegram.calls("sendMessage")) == 1
    sender.send(OutboundMessage(9, "5550002", "to somebody else"))
    moment += 15
    sender.send(outbound())
    assert telegram.texts[1:] == ["to somebody else", "an answer"]


def test_somebody_who_has_blocked_us_is_opted_out_by_the_attempt(
    core: Core, bot_sender: TelegramSender, telegram: FakeTelegram, asked: int
) -> None:
    telegram.refuse("sendMessage", 403, "Forbidden: bot was blocked by the user")
    attempt(core, {"telegram": bot_sender}, asked, is_last_attempt=False)
    assert rows.contact(core, "telegram", CHAT).opted_out_at is not None


def test_what_this_process_handed_over_is_found_and_not_sent_again(
    bot_sender: TelegramSender, telegram: FakeTelegram
) -> None:
    sent = bot_sender.send(outbound())
    assert bot_sender.find(outbound(), NOON) == sent == bot_sender.send(outbound())
    assert len(telegram.texts) == 1


def test_after_a_crash_an_answer_is_sent_again_once_telegram_can_be_reached_and_a_prompt_is_not(
    bot_sender: TelegramSender,
) -> None:
    assert bot_sender.find(outbound(), NOON) is None
    with pytest.raises(SendError) as prompt:
        bot_sender.find(outbound(is_prompt=True), NOON)
    assert not prompt.value.retryable
    with pytest.raises(SendError) as away:
        TelegramSender.from_settings(settings_for()).find(outbound(), NOON)
    assert away.value.retryable and away.value.uncertain


def test_while_telegram_is_off_nothing_is_called_and_a_message_waits(telegram: FakeTelegram, address: str) -> None:
    sender = TelegramSender.from_settings(settings_for(address, "off"))
    with pytest.raises(SendError) as off:
        sender.send(outbound())
    assert (off.value.code, off.value.retryable, off.value.ours) == ("telegram-off", True, True)
    assert telegram.asked == []


def test_many_threads_send_at_once(bot_sender: TelegramSender, telegram: FakeTelegram) -> None:
    threads = [
        threading.Thread(target=bot_sender.send, args=(outbound(f"answer {number}", number),))
        for number in range(1, 13)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(telegram.texts) == sorted(f"answer {number}" for number in range(1, 13))
