"""The pretend providers: each of their faults is seen by our senders for what it is, and a kill makes them forget
nothing. What our channels make of the faults is tested with each channel."""

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from pydantic import SecretStr

from channels.app import create_app
from channels.base import ChannelContext
from channels.gateway import Gateway
from channels.sms_twilio.paths import INBOUND_PATH
from channels.sms_twilio.send import TwilioSender
from channels.telegram import bot_api
from channels.telegram.receive import PATH as TELEGRAM_PATH
from channels.telegram.send import TelegramSender
from helpline.domain.messages import OutboundMessage, Reply, SendError
from helpline.keys import Keys
from helpline.services.core import Core
from helpline.services.receiving import receive
from helpline.services.sending import Delivery, deliver
from helpline.services.turns import settle_turn
from helpline.settings import REPOSITORY, Settings
from helpline.spool import Spool
from helpline.storage.models import DeliveryReceipt, Inbound
from tests.channels.breaking import held_by_another_process
from tests.channels.conftest import AUTH_TOKEN, PUBLIC, on_loopback
from tests.conftest import StartedWork
from tests.fakes import NOON, PHONE, RecordingAlerts, RecordingSender, ScriptedAssistant, SettableClock, text_from
from tests.fakes.faults import Fault
from tests.fakes.ledger import Ledger, entries_in
from tests.fakes.providers import TWILIO_LEDGER
from tests.fakes.running import RunningProviders, running_providers
from tests.fakes.telegram import TOKEN, FakeTelegram, telegram_handlers
from tests.fakes.twilio import FakeTwilio
from tests.fakes.webhooks import cannot_connect, post_by
from tests.running_helpline import free_port
from tests.services import rows
from tests.waiting import wait_until

CHAT = "5550001"
SECRET = "a-secret-of-the-tests_1"
PATIENCE_SECONDS = 1.0
# Where what is stored does not matter.
ON_A_FILE = pytest.mark.parametrize("database_url", [None], ids=["embedded"])


def on_telegram(words: str, update_id: int) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((REPOSITORY / "channels/telegram/fixtures/text.json").read_text())
    made["message"]["text"] = words
    return made | {"update_id": update_id}


@pytest.fixture(scope="module")
def providers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningProviders]:
    folder = tmp_path_factory.mktemp("ledgers")
    with running_providers(free_port(), folder, "--twilio-auth-token", AUTH_TOKEN) as running:
        yield running


def telegram_settings(address: str, **more: Any) -> Settings:
    return Settings(
        database_url=None,
        telegram_api_url=address,
        telegram_bot_token=SecretStr(TOKEN),
        telegram_webhook_secret=SecretStr(SECRET),
        **({"telegram_mode": "polling"} | more),
    )


def twilio_at(address: str, keys: Keys, **settings: Any) -> TwilioSender:
    return TwilioSender.from_settings(Settings(twilio_api_url=address, **settings), keys, PATIENCE_SECONDS)


@pytest.fixture
def telegram_sender(providers: RunningProviders, monkeypatch: pytest.MonkeyPatch) -> TelegramSender:
    monkeypatch.setattr(bot_api, "ANSWER_SECONDS", PATIENCE_SECONDS)
    return TelegramSender.from_settings(telegram_settings(providers.url))


# --- Each fault as our senders see it -------------------------------------------------------------------------------

REFUSALS: list[tuple[dict[str, Any], str, str, bool, int]] = [
    # fault, Twilio's name for it, Telegram's, whether it is uncertain, how often the message was taken
    ({"kind": "throttle", "retry_after": "7"}, "20429", "telegram-429", False, 0),
    ({"kind": "refuse", "status": 403}, "403", "telegram-403", False, 0),
    ({"kind": "refuse", "status": 500}, "500", "telegram-fault", True, 0),
    ({"kind": "refuse", "status": 500, "takes_it": True}, "500", "telegram-fault", True, 1),
    ({"kind": "hang-before"}, "provider-timeout", "telegram-timeout", True, 0),
    ({"kind": "hang-after"}, "provider-timeout", "telegram-timeout", True, 1),
    ({"kind": "drop-before"}, "provider-unreachable", "telegram-timeout", True, 0),
    ({"kind": "drop-after"}, "provider-unreachable", "telegram-timeout", True, 1),
    ({"kind": "break-off"}, "provider-timeout", "telegram-timeout", True, 1),
    ({"kind": "nonsense"}, "provider-answer", "telegram-answer", True, 1),
]
EACH_REFUSAL = pytest.mark.parametrize(
    ("fault", "by_twilio", "by_telegram", "uncertain", "taken"),
    REFUSALS,
    ids=["-".join(str(value) for value in refusal[0].values()) for refusal in REFUSALS],
)


@EACH_REFUSAL
@pytest.mark.parametrize("provider", ["twilio", "telegram"])
def test_a_fault_that_was_ordered_at_another_process_is_the_named_error_of_our_sender(
    providers: RunningProviders,
    keys: Keys,
    telegram_sender: TelegramSender,
    request: pytest.FixtureRequest,
    provider: str,
    fault: dict[str, Any],
    by_twilio: str,
    by_telegram: str,
    uncertain: bool,
    taken: int,
) -> None:
    sender = twilio_at(providers.url, keys) if provider == "twilio" else telegram_sender
    words = f"a text for {request.node.name}"
    message = OutboundMessage(7, PHONE if provider == "twilio" else CHAT, words)
    providers.fail(provider, **fault)
    with pytest.raises(SendError) as failed:
        sender.send(message)
    wanted = by_twilio if provider == "twilio" else by_telegram
    assert (failed.value.code, failed.value.uncertain) == (wanted, uncertain)
    assert failed.value.retry_after_seconds == (7.0 if fault["kind"] == "throttle" else None)
    assert taken_by(providers, provider).count(words) == taken
    # To somebody else: whoever was asked for patience is left alone for a while.
    another = "+447700900002" if provider == "twilio" else "5550002"
    sender.send(replace(message, address=another, text=words + ", again"))
    assert taken_by(providers, provider)[-1] == words + ", again"


def taken_by(providers: RunningProviders, provider: str) -> list[str]:
    if provider == "twilio":
        return [entry["text"]["body"] for entry in providers.ledger("twilio", "taken")]
    return [entry["message"]["text"] for entry in providers.ledger("telegram", "sent")]


def test_an_answer_that_comes_twice_is_not_taken_for_the_answer_to_the_next_text(
    providers: RunningProviders, keys: Keys
) -> None:
    sender = twilio_at(providers.url, keys)
    providers.fail("twilio", kind="answer-twice")
    first, second, third = (sender.send(OutboundMessage(n, PHONE, f"answered twice {n}")) for n in range(3))
    sids = {entry["text"]["body"]: entry["text"]["sid"] for entry in providers.ledger("twilio", "taken")}
    assert [sids[f"answered twice {n}"] for n in range(3)] == [
        sent.provider_message_id for sent in (first, second, third)
    ]


@pytest.mark.parametrize("provider", ["twilio", "telegram"])
def test_a_message_that_the_provider_takes_twice_has_the_id_of_one_of_them(
    providers: RunningProviders, keys: Keys, telegram_sender: TelegramSender, provider: str
) -> None:
    providers.fail(provider, kind="take-twice")
    sender = twilio_at(providers.url, keys) if provider == "twilio" else telegram_sender
    message = OutboundMessage(1, PHONE if provider == "twilio" else CHAT, "taken twice")
    sent = sender.send(message)
    assert taken_by(providers, provider).count("taken twice") == 2
    assert sender.find(message, NOON) == sent


def test_what_nothing_has_met_yet_is_taken_back(providers: RunningProviders, keys: Keys) -> None:
    providers.fail("twilio", kind="refuse", status=400, code=21610)
    assert httpx.delete(f"{providers.url}/fake/faults").status_code == 204
    twilio_at(providers.url, keys).send(OutboundMessage(1, PHONE, "no fault is left"))


def test_a_list_that_cannot_be_had_leaves_a_text_uncertain(providers: RunningProviders, keys: Keys) -> None:
    sender = twilio_at(providers.url, keys)
    for fault in ({"kind": "throttle"}, {"kind": "hang-before"}, {"kind": "drop-before"}, {"kind": "nonsense"}):
        providers.fail("twilio", on="list", **fault)
        with pytest.raises(SendError) as failed:
            sender.find(OutboundMessage(1, PHONE, "never sent"), NOON)
        assert failed.value.uncertain and failed.value.retryable


@pytest.mark.parametrize(("kind", "on"), [("hang-afetr", "sending"), ("doubled", "sending"), ("refuse", "receipts")])
def test_a_fault_that_cannot_befall_anything_is_refused(kind: str, on: str) -> None:
    with pytest.raises(ValueError, match=kind):
        Fault(kind, on=on)


# --- What a kill leaves ---------------------------------------------------------------------------------------------


@ON_A_FILE
def test_killed_and_started_again_both_know_what_they_took_and_a_text_is_found_and_not_sent_twice(
    tmp_path: Path, keys: Keys, core: Core, clock: SettableClock
) -> None:
    entry_id = settle_turn(core, receive(core, text_from("a question")).message_id, [Reply("an answer")])
    assert entry_id is not None
    with running_providers(free_port(), tmp_path / "ledgers") as running:
        clock.moment = datetime.now(UTC)
        senders = {"sms": twilio_at(running.url, keys)}
        running.fail("twilio", kind="hang-after")
        deliver(core, senders, entry_id, is_last_attempt=False)
        assert rows.outbox(core)[0].error_code == "provider-timeout"
        TelegramSender.from_settings(telegram_settings(running.url)).send(OutboundMessage(1, CHAT, "before the kill"))
        for number in (810000001, 810000002):
            running.post("/fake/telegram/updates", on_telegram("a question", number))
        assert [one["update_id"] for one in fetch(running, offset=810000002)] == [810000002]
        running.kill()
        running.start()

        [taken] = running.ledger("twilio", "taken")
        assert taken in entries_in(tmp_path / "ledgers" / TWILIO_LEDGER)
        clock.moment = datetime.now(UTC)
        assert deliver(core, senders, entry_id, is_last_attempt=False) is Delivery.SENT
        assert rows.outbox(core)[0].provider_message_id == taken["text"]["sid"]
        assert [entry["call"] for entry in running.ledger("twilio", "asked")] == ["create", "list"]

        TelegramSender.from_settings(telegram_settings(running.url)).send(OutboundMessage(2, CHAT, "after it"))
        sent = [entry["message"] for entry in running.ledger("telegram", "sent")]
        assert [(message["message_id"], message["text"]) for message in sent] == [
            (100, "before the kill"),
            (101, "after it"),
        ]
        assert [one["update_id"] for one in fetch(running)] == [810000002]


def fetch(running: RunningProviders, **fields: Any) -> list[dict[str, Any]]:
    updates: list[dict[str, Any]] = running.post(f"/bot{TOKEN}/getUpdates", fields).json()["result"]
    return updates


def test_a_line_that_was_cut_off_by_the_kill_is_dropped_and_the_next_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    Ledger(path).note("taken", sid="SM1")
    with path.open("a") as file:
        file.write('{"event": "taken", "sid": "SM')
    Ledger(path).note("taken", sid="SM3")
    assert [entry["sid"] for entry in Ledger(path).entries] == ["SM1", "SM3"]


# --- Receipts -------------------------------------------------------------------------------------------------------

RECEIPTS = [
    # fault, Twilio's statuses, how far the text has got by what we know then, and once late news has come
    (None, [204, 204], "delivered", "delivered"),
    (Fault("doubled", on="receipts"), [204] * 4, "delivered", "delivered"),
    (Fault("reversed", on="receipts"), [204, 204], "delivered", "delivered"),
    (Fault("withheld", on="receipts"), [], "accepted", "accepted"),
    (Fault("late", on="receipts"), [], "accepted", "delivered"),
    (Fault("undelivered", code=30005, on="receipts"), [204, 204], "undelivered", "undelivered"),
]


@pytest.mark.parametrize(
    ("fault", "statuses", "at_first", "at_last"), RECEIPTS, ids=[str(one[0] and one[0].kind) for one in RECEIPTS]
)
def test_however_receipts_come_the_delivery_is_what_it_was(
    client: TestClient[Litestar],
    core: Core,
    keys: Keys,
    clock: SettableClock,
    fault: Fault | None,
    statuses: list[int],
    at_first: str,
    at_last: str,
) -> None:
    twilio = FakeTwilio(AUTH_TOKEN, now=clock.now)
    entry_id = settle_turn(core, receive(core, text_from("a question")).message_id, [Reply("an answer")])
    assert entry_id is not None
    with on_loopback(twilio.app()) as api:
        deliver(core, {"sms": twilio_at(api, keys, public_url=PUBLIC)}, entry_id, is_last_attempt=False)
    [text] = twilio.sent
    if fault is not None:
        twilio.faults.append(fault)
    assert twilio.go_through(text, post_by(client)) == statuses
    assert progress_of(core) == at_first
    twilio.faults.let_go()
    assert progress_of(core) == at_last
    [row] = rows.outbox(core)
    assert row.provider_message_id == text.sid and len(twilio.sent) == 1


def progress_of(core: Core) -> str:
    [receipt] = rows.all_of(core, DeliveryReceipt)
    return receipt.progress


# --- Telegram's updates ---------------------------------------------------------------------------------------------


def test_an_update_comes_again_until_it_is_stored_and_the_next_waits_for_it(
    core: Core,
    keys: Keys,
    sender: RecordingSender,
    started: StartedWork,
    alerts: RecordingAlerts,
    assistant: ScriptedAssistant,
    broken_spool: Spool,
) -> None:
    gateway = Gateway(core, {"telegram": sender}, started.as_work(), broken_spool, alerts)
    telegram = FakeTelegram()
    telegram.happens(on_telegram("a question", 810000001))
    telegram.happens(on_telegram("and dad", 810000002))
    with ExitStack() as open_until_then:
        api = open_until_then.enter_context(on_loopback(Litestar(telegram_handlers(telegram), openapi_config=None)))
        settings = telegram_settings(api, public_url=PUBLIC, telegram_mode="webhook")
        app = create_app(ChannelContext(settings, keys, gateway), assistant, core, lambda: None, lambda: None)
        client = open_until_then.enter_context(TestClient(app, base_url=PUBLIC, raise_server_exceptions=False))
        wait_until("the webhook is announced", lambda: telegram.webhook)
        held = open_until_then.enter_context(ExitStack())
        held.enter_context(held_by_another_process(core.database.engine))
        pauses: list[float] = []

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 2:
                held.close()

        assert telegram.deliver(post_by(client), pause=pause) == [503, 503, 200, 200]
        assert telegram.updates == []
        telegram.faults.append(Fault("doubled", on="webhook"))
        telegram.happens(on_telegram("and the dog", 810000003))
        assert telegram.deliver(post_by(client)) == [200, 200]
    assert [row.provider_id for row in rows.all_of(core, Inbound)] == ["810000001", "810000002", "810000003"]


def test_an_update_that_nobody_takes_is_given_up_at_last_and_the_next_one_comes() -> None:
    telegram = FakeTelegram()
    telegram.happens(on_telegram("a question", 810000001))
    assert telegram.deliver(cannot_connect) == [], "nobody has asked for updates by webhook"
    telegram._set_webhook(PUBLIC + TELEGRAM_PATH, {"secret_token": SECRET})
    assert telegram.deliver(cannot_connect, most_tries=3) == [0, 0, 0]
    assert telegram.updates == []


def test_who_fetches_waits_for_what_happens_and_a_second_one_or_a_webhook_ends_that(tmp_path: Path) -> None:
    def answer_to(method: str, fields: dict[str, Any], answers: list[httpx.Response]) -> threading.Thread:
        def call() -> None:
            answers.append(httpx.post(f"{running.url}/bot{TOKEN}/{method}", json=fields, timeout=60.0))

        thread = threading.Thread(target=call)
        thread.start()
        return thread

    with running_providers(free_port(), tmp_path) as running:
        first: list[httpx.Response] = []
        second: list[httpx.Response] = []
        one = answer_to("getUpdates", {"timeout": 50}, first)
        wait_until("the first one waits", lambda: len(running.ledger("telegram", "asked")) == 1)
        other = answer_to("getUpdates", {"timeout": 50}, second)
        one.join(timeout=30)
        assert first[0].status_code == 409
        running.post("/fake/telegram/updates", on_telegram("a question", 810000001))
        other.join(timeout=30)
        assert [update["update_id"] for update in second[0].json()["result"]] == [810000001]
        running.post(f"/bot{TOKEN}/setWebhook", {"url": "http://127.0.0.1:1/telegram"})
        assert httpx.post(f"{running.url}/bot{TOKEN}/getUpdates").status_code == 409
        running.post(f"/bot{TOKEN}/deleteWebhook")
        assert len(fetch(running)) == 1


# --- Both call us by themselves -------------------------------------------------------------------------------------


@ON_A_FILE
def test_in_a_process_of_their_own_they_bring_texts_receipts_and_updates_to_the_running_helpline(
    providers: RunningProviders, keys: Keys, gateway: Gateway, assistant: ScriptedAssistant, core: Core
) -> None:
    port = free_port()
    ours = f"http://127.0.0.1:{port}"
    settings = telegram_settings(
        providers.url, public_url=ours, telegram_mode="webhook", twilio_api_url=providers.url, environment="local"
    )
    app = create_app(ChannelContext(settings, keys, gateway), assistant, core, lambda: None, lambda: None)
    with on_loopback(app, port):
        providers.post("/fake/twilio/texts", {"sender": PHONE, "body": "a question", "webhook": ours + INBOUND_PATH})
        providers.post("/fake/telegram/updates", on_telegram("a question on telegram", 810000777))
        wait_until("both have come", lambda: len(rows.all_of(core, Inbound)) == 2)
        wait_until("the update is done with", lambda: providers.ledger("telegram", "done"))

        [message] = [row for row in rows.all_of(core, Inbound) if row.channel == "sms"]
        entry_id = settle_turn(core, message.entry_id, [Reply("an answer")])
        assert entry_id is not None
        providers.fail("twilio", kind="late", on="receipts")
        deliver(core, {"sms": TwilioSender.from_settings(settings, keys)}, entry_id, is_last_attempt=False)
        sid = rows.outbox(core)[-1].provider_message_id
        wait_until(
            "the text has arrived", lambda: sid in [entry["sid"] for entry in providers.ledger("twilio", "status")]
        )
        assert progress_of(core) == "accepted"

        def let_go() -> bool:
            providers.post("/fake/let-go")
            return progress_of(core) == "delivered"

        wait_until("both receipts have come", let_go)
    httpx.post(f"{providers.url}/bot{TOKEN}/deleteWebhook").raise_for_status()
