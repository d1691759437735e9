"""Telegram: nothing forged gets in, nothing is confirmed that is not stored, and every refusal has a name."""

import asyncio
import copy
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient
from pydantic import SecretStr
from structlog.testing import capture_logs
from telegram import Update
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

from channels.app import create_app
from channels.base import ChannelContext
from channels.gateway import Gateway, Outcome
from channels.telegram.bot_api import make_bot
from channels.telegram.buttons import LARGEST_ENTRY_ID, ButtonData, keyboard, pack, unpack
from channels.telegram.gaps import GRACE, LONGEST_GAP, UpdateGaps
from channels.telegram.receive import (
    PATH,
    SECRET_HEADER,
    TRIES_FOR_ONE_UPDATE,
    Intake,
    StoringQueue,
    is_from_telegram,
    telegram_receivers,
    until_done,
)
from channels.telegram.send import TelegramSender, split, to_send_error
from channels.telegram.updates import Edited, FromGroup, Pressed, read_update
from content.schema import Content
from helpline.domain.messages import Again, InboundMessage, OutboundMessage, Purpose, Reply, SendError
from helpline.domain.safety import SafetyContent, SafetyScanner
from helpline.keys import Keys, MissingKeys, load_keys
from helpline.replay import read_scripts
from helpline.services.core import Core
from helpline.services.receiving import receive
from helpline.services.sending import Delivery, attempt
from helpline.services.turns import settle_turn
from helpline.settings import REPOSITORY, Settings
from helpline.spool import Spool
from helpline.storage.models import Inbound, StaffAlarm
from tests.channels.breaking import held_by_another_process
from tests.channels.conftest import PUBLIC, on_loopback
from tests.conftest import ADDRESS_KEY, StartedWork
from tests.fakes import NOON, RecordingAlerts, RecordingSender, ScriptedAssistant, SettableClock
from tests.fakes.telegram import TOKEN, FakeTelegram, telegram_handlers
from tests.flows.starting import running
from tests.services import rows
from tests.waiting import wait_until

FIXTURES = REPOSITORY / "channels" / "telegram" / "fixtures"
SECRET = "a-secret-of-the-tests_1"
CHAT = "5550001"
URL = PUBLIC + PATH
NOWHERE = "http://127.0.0.1:1"


def payload(name: str, **changes: Any) -> dict[str, Any]:
    """A payload of Telegram's, written from its documentation."""
    read: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text())
    return read | changes


def text(words: str, update_id: int = 810000001, **more: Any) -> dict[str, Any]:
    made = payload("text", update_id=update_id)
    made["message"] |= {"text": words, **more}
    return made


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[FakeTelegram, str]]:
    telegram = FakeTelegram()
    with on_loopback(Litestar(telegram_handlers(telegram), openapi_config=None)) as address:
        yield telegram, address


@pytest.fixture
def telegram(served: tuple[FakeTelegram, str]) -> FakeTelegram:
    telegram, _ = served
    telegram.forget()
    return telegram


@pytest.fixture
def address(served: tuple[FakeTelegram, str], telegram: FakeTelegram) -> str:
    return served[1]


# The library's client lives in one event loop, here as in service.
LOOP = asyncio.Runner()


@pytest.fixture(scope="module", autouse=True)
def loop() -> Iterator[None]:
    yield
    LOOP.close()


def settings_for(address: str = NOWHERE, mode: str = "webhook", **more: Any) -> Settings:
    return Settings(
        public_url=PUBLIC,
        database_url=None,
        telegram_api_url=address,
        telegram_bot_token=SecretStr(TOKEN),
        telegram_webhook_secret=SecretStr(SECRET),
        **({"telegram_mode": mode} | more),  # type: ignore[arg-type]
    )


@pytest.fixture
def settings(address: str) -> Settings:
    return settings_for(address)


@pytest.fixture
def intake(settings: Settings, keys: Keys, gateway: Gateway) -> Intake:
    return Intake(ChannelContext(settings, keys, gateway), make_bot(settings), no_pause)


async def no_pause(seconds: float) -> None:
    """No time passes."""


def take(intake: Intake, *updates: dict[str, Any]) -> list[Outcome]:
    """Hand updates in, one after the other, and let what follows at Telegram be done."""

    async def take_all() -> list[Outcome]:
        outcomes = [await intake.take(read(update)) for update in updates]
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others)
        return outcomes

    return LOOP.run(take_all())


def read(update: dict[str, Any]) -> Update:
    return Update.de_json(copy.deepcopy(update), None)


def post(client: TestClient[Litestar], update: Any, secret: str | None = SECRET) -> int:
    headers = {} if secret is None else {SECRET_HEADER: secret}
    return int(client.post(URL, json=update, headers=headers).status_code)


# --- What an update means -------------------------------------------------------------------------------------------

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


# --- The webhook ----------------------------------------------------------------------------------------------------


@pytest.fixture
def client(
    settings: Settings, keys: Keys, gateway: Gateway, assistant: ScriptedAssistant, core: Core
) -> Iterator[TestClient[Litestar]]:
    with client_of(settings, keys, gateway, assistant, core) as made:
        yield made


@contextmanager
def client_of(
    settings: Settings, keys: Keys, gateway: Gateway, assistant: ScriptedAssistant, core: Core
) -> Iterator[TestClient[Litestar]]:
    app = create_app(ChannelContext(settings, keys, gateway), assistant, core, lambda: None, lambda: None)
    with TestClient(app, base_url=PUBLIC, raise_server_exceptions=False) as client:
        yield client


def test_a_message_is_stored_and_its_repeat_does_nothing(
    client: TestClient[Litestar], core: Core, started: StartedWork
) -> None:
    assert post(client, payload("text")) == 200
    [stored] = rows.all_of(core, Inbound)
    assert (stored.channel, stored.provider_id, started.turns) == ("telegram", "810000001", [stored.entry_id])
    assert post(client, payload("text")) == 200
    assert len(rows.all_of(core, Inbound)) == 1 == len(started.turns)


def test_danger_is_answered_on_telegram_too(client: TestClient[Litestar], sender: RecordingSender) -> None:
    assert post(client, text("i want to kill myself")) == 200
    assert [message.address for message in sender.taken] == [CHAT]
    assert "999" in sender.texts[0]


@pytest.mark.parametrize("secret", [None, "", "another-secret-of-the-tests", SECRET.upper(), SECRET + "x", SECRET[:-1]])
def test_an_update_without_the_secret_is_refused_and_leaves_nothing(
    client: TestClient[Litestar], core: Core, secret: str | None
) -> None:
    assert post(client, payload("text"), secret) == 403
    assert rows.all_of(core, Inbound) == []


def test_a_secret_of_strange_letters_is_refused(client: TestClient[Litestar]) -> None:
    headers = {SECRET_HEADER.encode(): b"\xe9"}
    assert client.post(URL, json=payload("text"), headers=headers).status_code == 403


@pytest.mark.parametrize(
    "changed",
    [
        {"telegram_webhook_secret": None},
        {"telegram_webhook_secret": SecretStr("")},
        {"telegram_bot_token": None},
        {"telegram_mode": "polling"},
        {"telegram_mode": "off"},
    ],
    ids=str,
)
def test_without_a_secret_or_a_webhook_of_ours_everything_is_refused(
    keys: Keys, gateway: Gateway, core: Core, changed: dict[str, Any]
) -> None:
    context = ChannelContext(settings_for().model_copy(update=changed), keys, gateway)
    with TestClient(Litestar(list(telegram_receivers(context)), openapi_config=None), base_url=PUBLIC) as client:
        for secret in (SECRET, "", None):
            assert post(client, payload("text"), secret) == 403
    assert rows.all_of(core, Inbound) == []
    assert not is_from_telegram("", "")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_refused(client: TestClient[Litestar], core: Core, body: bytes) -> None:
    assert client.post(URL, content=body, headers={SECRET_HEADER: SECRET}).status_code == 400
    assert rows.all_of(core, Inbound) == []


def test_a_body_that_is_too_large_is_refused(client: TestClient[Litestar], core: Core) -> None:
    assert post(client, text("x" * 270_000)) == 413
    assert rows.all_of(core, Inbound) == []


@pytest.mark.parametrize("body", [{}, [], 7, "text", {"update_id": 1, "message": {"text": "hi"}}])
def test_what_telegram_says_and_nobody_understands_holds_up_nothing(
    client: TestClient[Litestar], core: Core, body: Any
) -> None:
    with capture_logs() as logs:
        assert post(client, body) == 200
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["update not understood"]
    assert rows.all_of(core, Inbound) == []


def test_while_a_message_cannot_be_kept_anywhere_telegram_is_told_to_try_again(
    settings: Settings,
    keys: Keys,
    core: Core,
    sender: RecordingSender,
    started: StartedWork,
    alerts: RecordingAlerts,
    assistant: ScriptedAssistant,
    tmp_path: Path,
) -> None:
    (tmp_path / "not-a-folder").write_text("")
    spool = Spool(tmp_path / "not-a-folder", ADDRESS_KEY)
    gateway = Gateway(core, {"telegram": sender}, started.as_work(), spool, alerts)
    with client_of(settings, keys, gateway, assistant, core) as client:
        with held_by_another_process(core.database.engine):
            assert post(client, payload("text")) == 503
        assert post(client, payload("text")) == 200
    assert len(rows.all_of(core, Inbound)) == 1


def test_telegram_is_told_where_the_webhook_is_and_keeps_what_waits_for_it(
    client: TestClient[Litestar], telegram: FakeTelegram, core: Core
) -> None:
    [fields] = wait_until("the webhook is announced", lambda: telegram.calls("setWebhook"))
    assert (fields["url"], fields["secret_token"], fields["max_connections"]) == (URL, SECRET, "1")
    assert "my_chat_member" in fields["allowed_updates"]
    assert fields.get("drop_pending_updates", "false") == "false"
    [commands] = wait_until("the commands are announced", lambda: telegram.calls("setMyCommands"))
    assert {command["command"] for command in commands["commands"]} == {"menu", "help", "start", "stop"}
    assert core.say("command-menu", "chat") in str(commands)


def test_the_helpline_starts_while_telegram_is_away(
    keys: Keys, gateway: Gateway, assistant: ScriptedAssistant, core: Core
) -> None:
    for mode in ("webhook", "polling"):
        with client_of(settings_for(mode=mode), keys, gateway, assistant, core) as client:
            assert client.get("/health").status_code == 200


def test_telegram_is_asked_again_and_less_and_less_often_until_it_does_it() -> None:
    failures, pauses = [NetworkError("away")] * 8, []

    async def call() -> None:
        if failures:
            raise failures.pop()

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    anyio.run(until_done, call, pause)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


# --- What people do in Telegram -------------------------------------------------------------------------------------


def test_who_begins_is_told_what_this_is_and_not_welcomed_back(intake: Intake, core: Core) -> None:
    take(intake, payload("start"))
    assert rows.texts(core) == [core.say("welcome", "chat")]
    assert "999" in rows.texts(core)[0]
    take(intake, payload("start", update_id=810000099))
    assert rows.texts(core)[-1] == core.say("start-confirmed", "chat")


def test_stop_and_start_are_obeyed_as_commands(intake: Intake, core: Core) -> None:
    take(intake, payload("stop_with_name"))
    assert rows.contact(core, "telegram", CHAT).opted_out_at is not None
    take(intake, payload("start", update_id=810000098))
    assert rows.contact(core, "telegram", CHAT).opted_out_at is None


def test_whoever_blocks_us_has_opted_out_and_coming_back_is_theirs_to_say(intake: Intake, core: Core) -> None:
    take(intake, payload("text"), payload("blocked"))
    assert rows.contact(core, "telegram", CHAT).opted_out_at is not None
    said = len(rows.texts(core))
    take(intake, payload("unblocked"))
    assert rows.contact(core, "telegram", CHAT).opted_out_at is not None and len(rows.texts(core)) == said


def test_a_place_on_a_map_is_asked_for_in_words(intake: Intake, core: Core) -> None:
    take(intake, payload("location"))
    assert rows.texts(core) == [core.say("location-only", "chat")]


def test_a_place_that_has_an_address_is_noted(intake: Intake, core: Core) -> None:
    take(intake, payload("venue"))
    assert rows.conversation(core, "telegram", CHAT).district == "Chelmsford"


def test_an_album_without_words_is_answered_once(intake: Intake, core: Core) -> None:
    take(intake, *(payload("album_second_photo", update_id=810000100 + number) for number in range(4)))
    assert rows.texts(core) == [core.say("media-only", "chat")]


def test_a_group_is_told_once_and_left_and_nobody_in_it_is_kept(
    intake: Intake, core: Core, telegram: FakeTelegram
) -> None:
    take(intake, payload("added_to_group"), payload("text_in_group"), payload("removed_from_group"))
    assert telegram.texts == [core.say("group-refused", "chat")]
    assert {fields["chat_id"] for fields in telegram.calls("leaveChat")} == {"-1005550002"}
    assert rows.all_of(core, Inbound) == []


def test_a_group_that_we_may_not_write_to_is_left_all_the_same(intake: Intake, telegram: FakeTelegram) -> None:
    telegram.refuse("sendMessage", 400, "Bad Request: not enough rights")
    assert take(intake, payload("added_to_group")) == [Outcome.STORED]
    assert len(telegram.calls("leaveChat")) == 1


def edit(words: str, update_id: int = 810000015) -> dict[str, Any]:
    made = payload("edited", update_id=update_id)
    made["edited_message"]["text"] = words
    return made


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


def reply_to(core: Core, message_id: int, *options: str) -> int:
    made = settle_turn(core, message_id, [Reply("Did that answer your question?", options)])
    assert made is not None
    return made


def press(entry_id: int, number: int, words: str, update_id: int = 810000017) -> dict[str, Any]:
    made = payload("button", update_id=update_id)
    query = made["callback_query"]
    query["data"] = pack(ButtonData(entry_id, number, words))
    query["message"]["reply_markup"] = keyboard(entry_id, ["Yes", "No"]).to_dict()  # type: ignore[union-attr]
    return made


@pytest.fixture
def asked(intake: Intake, core: Core) -> int:
    """The entry id of a question with the buttons Yes and No."""
    take(intake, payload("text"))
    return reply_to(core, rows.all_of(core, Inbound)[0].entry_id, "Yes", "No")


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


def test_somebody_who_waits_sees_that_we_are_typing_and_nobody_else_does(
    settings: Settings, keys: Keys, gateway: Gateway, core: Core, telegram: FakeTelegram
) -> None:
    answered_after = 2

    async def pause(seconds: float) -> None:
        if len(telegram.calls("sendChatAction")) == answered_after:
            reply_to(core, rows.all_of(core, Inbound)[0].entry_id)

    slow = Intake(ChannelContext(settings, keys, gateway), make_bot(settings), pause)
    take(slow, payload("text"))
    actions = telegram.calls("sendChatAction")
    assert [(fields["chat_id"], fields["action"]) for fields in actions] == [(CHAT, "typing")] * answered_after
    take(slow, payload("start"))
    assert len(telegram.calls("sendChatAction")) == answered_after


# --- What breaks ----------------------------------------------------------------------------------------------------


class FailingGateway(Gateway):
    """A gateway with a mistake in it that one message brings out."""

    def handle_inbound(self, message: InboundMessage) -> Any:
        if "poison" in message.text:
            raise RuntimeError(message.text)
        return super().handle_inbound(message)


def test_an_update_that_breaks_us_is_tried_again_and_then_holds_up_nothing(
    settings: Settings,
    keys: Keys,
    core: Core,
    sender: RecordingSender,
    started: StartedWork,
    spool: Spool,
    alerts: RecordingAlerts,
) -> None:
    gateway = FailingGateway(core, {"telegram": sender}, started.as_work(), spool, alerts)
    intake = Intake(ChannelContext(settings, keys, gateway), make_bot(settings), no_pause)
    with capture_logs() as logs:
        outcomes = take(intake, *[text("poison")] * TRIES_FOR_ONE_UPDATE, text("a question", 810000002))
    assert outcomes == [Outcome.REFUSED] * (TRIES_FOR_ONE_UPDATE - 1) + [Outcome.STORED] * 2
    assert len(rows.all_of(core, Inbound)) == 1
    assert "poison" not in str(logs)


def test_a_message_and_a_button_while_the_database_is_held_go_to_the_spool(
    intake: Intake, core: Core, gateway: Gateway, asked: int
) -> None:
    with held_by_another_process(core.database.engine):
        assert take(intake, text("a question", 810000070), press(asked, 0, "Yes")) == [Outcome.SPOOLED] * 2
        assert take(intake, edit("another question")) == [Outcome.SPOOLED]
    assert gateway.drain_spool() == 3


def test_numbers_that_never_came_are_reported_once_and_only_those(core: Core, clock: SettableClock) -> None:
    gaps = UpdateGaps(core)
    with capture_logs() as logs:
        for update_id in (100, 101, 105, 103):
            gaps.note(update_id)
        assert logs == []
        receive(core, InboundMessage("telegram", "edit:104", CHAT, "by another process"))
        clock.advance(GRACE)
        gaps.note(106)
        gaps.note(107)
    assert [(line["event"], line["update_id"], line["count"]) for line in logs] == [("updates missing", 102, 1)]
    assert [(alarm.kind, alarm.ids["update_id"]) for alarm in rows.all_of(core, StaffAlarm)] == [
        ("updates-missing", 102)
    ]


def test_a_gap_that_a_stop_has_left_is_found_after_the_start(core: Core, clock: SettableClock) -> None:
    for provider_id in ("album:1", "50", "button:7:0"):
        receive(core, InboundMessage("telegram", provider_id, CHAT, "before the stop"))
    receive(core, InboundMessage("telegram", "60", CHAT, "after it"))
    gaps = UpdateGaps(core)
    with capture_logs() as logs:
        gaps.note(60)
        clock.advance(GRACE)
        gaps.note(61)
    assert [(line["update_id"], line["count"]) for line in logs] == [(51, 9)]


@pytest.mark.parametrize("anew", [100 + 2 * LONGEST_GAP, 100_000_000_000])
def test_numbers_that_begin_anew_after_a_silent_week_are_no_gap(core: Core, clock: SettableClock, anew: int) -> None:
    gaps = UpdateGaps(core)
    with capture_logs() as logs:
        for update_id in (anew, 100, 101, anew):
            gaps.note(update_id)
            clock.advance(GRACE)
    assert logs == []


# --- Polling --------------------------------------------------------------------------------------------------------


def test_updates_that_are_fetched_are_confirmed_only_when_they_are_stored(
    address: str,
    keys: Keys,
    gateway: Gateway,
    assistant: ScriptedAssistant,
    core: Core,
    telegram: FakeTelegram,
) -> None:
    telegram.updates = [payload("text"), text("and dad", 810000002)]
    with client_of(settings_for(address, "polling"), keys, gateway, assistant, core):
        wait_until("both are confirmed", lambda: not telegram.updates)
        assert len(rows.all_of(core, Inbound)) == 2
    confirmed = [int(fields["offset"]) for fields in telegram.calls("getUpdates") if fields.get("offset", "0") != "0"]
    assert set(confirmed) == {810000003}
    assert telegram.calls("deleteWebhook") and not telegram.calls("setWebhook")


def test_the_library_is_not_told_that_an_update_is_there_which_is_not_stored(
    settings: Settings, keys: Keys, core: Core, sender: RecordingSender, started: StartedWork, tmp_path: Path
) -> None:
    (tmp_path / "not-a-folder").write_text("")
    spool = Spool(tmp_path / "not-a-folder", ADDRESS_KEY)
    gateway = Gateway(core, {"telegram": sender}, started.as_work(), spool, RecordingAlerts())

    async def put() -> None:
        queue = StoringQueue(Intake(ChannelContext(settings, keys, gateway), make_bot(settings), no_pause))
        with held_by_another_process(core.database.engine), pytest.raises(NetworkError):
            await queue.put(read(payload("text")))
        await queue.put(read(payload("text")))
        assert queue.empty()

    anyio.run(put)
    assert len(rows.all_of(core, Inbound)) == 1


def test_polling_goes_on_after_telegram_had_a_fault(
    address: str,
    keys: Keys,
    gateway: Gateway,
    assistant: ScriptedAssistant,
    core: Core,
    telegram: FakeTelegram,
) -> None:
    telegram.refuse("getUpdates", 502, "Bad Gateway")
    telegram.updates = [payload("text")]
    with client_of(settings_for(address, "polling"), keys, gateway, assistant, core):
        wait_until("it is stored", lambda: rows.all_of(core, Inbound))


# --- Sending --------------------------------------------------------------------------------------------------------


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


# --- The whole way --------------------------------------------------------------------------------------------------


def test_a_question_its_answer_and_the_button_under_it_travel_the_whole_way(
    address: str,
    telegram: FakeTelegram,
    keys: Keys,
    content: Content,
    safety: SafetyContent,
    scanner: SafetyScanner,
    assistant: ScriptedAssistant,
    tmp_path: Path,
) -> None:
    settings = settings_for(address, "polling")
    sender = TelegramSender.from_settings(settings)
    words = (content, safety, scanner)
    assistant.respond = lambda said: [Reply(f"about: {said}", ("Yes", "No"))]
    with running(tmp_path, None, words, SettableClock(), assistant, sender, RecordingAlerts()) as (core, gateway, _):
        with client_of(settings, keys, gateway, assistant, core):
            telegram.updates = [payload("text")]
            wait_until("the answer is there", lambda: telegram.texts)
            entry_id = rows.outbox(core)[0].entry_id
            telegram.updates = [press(entry_id, 0, "Yes")]
            wait_until("the answer to the button is there", lambda: len(telegram.texts) == 2)
        wait_until("both are recorded", lambda: [row.state for row in rows.outbox(core)] == ["sent", "sent"])
    assert telegram.texts == ["about: how do i stop mum falling", "about: Yes"]


def test_scripts_for_telegram_can_be_replayed(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"id": 1, "text": "a question"}\n')
    assert [script.channel for script in read_scripts(tmp_path / "in.jsonl", "telegram")] == ["telegram"]


# --- Settings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [None, "", "short", "a secret with spaces in it", "é" * 20])
def test_a_webhook_without_a_good_secret_refuses_to_start_and_prints_none(secret: str | None, tmp_path: Path) -> None:
    settings = settings_for(data_folder=tmp_path).model_copy(
        update={"telegram_webhook_secret": None if secret is None else SecretStr(secret)}
    )
    with pytest.raises(MissingKeys, match="HELPLINE_TELEGRAM_WEBHOOK_SECRET") as refused:
        load_keys(settings)
    assert TOKEN not in str(refused.value) and (not secret or secret not in str(refused.value))


def test_without_a_token_telegram_is_off_and_needs_nothing(tmp_path: Path) -> None:
    settings = Settings(data_folder=tmp_path, telegram_bot_token=None)
    assert settings.telegram_comes_by == "off"
    load_keys(settings)
