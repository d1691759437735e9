"""Telegram's webhook: nothing forged gets in, and nothing is confirmed that is not stored."""

from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from pydantic import SecretStr
from structlog.testing import capture_logs
from telegram.error import NetworkError

from channels.base import ChannelContext
from channels.gateway import Gateway
from channels.telegram.receive import PATH, SECRET_HEADER, is_from_telegram, telegram_receivers, until_done
from helpline.keys import Keys
from helpline.services.core import Core
from helpline.settings import Settings
from helpline.spool import Spool
from helpline.storage.models import Inbound
from tests.channels.breaking import held_by_another_process
from tests.channels.conftest import PUBLIC
from tests.channels.telegram.serving import SECRET, client_of, settings_for
from tests.channels.telegram.updates import CHAT, payload, text
from tests.conftest import StartedWork
from tests.fakes import RecordingAlerts, RecordingSender, ScriptedAssistant
from tests.fakes.telegram import FakeTelegram
from tests.services import rows
from tests.waiting import wait_until

URL = PUBLIC + PATH


def post(client: TestClient[Litestar], update: Any, secret: str | None = SECRET) -> int:
    headers = {} if secret is None else {SECRET_HEADER: secret}
    return int(client.post(URL, json=update, headers=headers).status_code)


@pytest.fixture
def client(
    settings: Settings, keys: Keys, gateway: Gateway, assistant: ScriptedAssistant, core: Core
) -> Iterator[TestClient[Litestar]]:
    with client_of(settings, keys, gateway, assistant, core) as made:
        yield made


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
    broken_spool: Spool,
) -> None:
    gateway = Gateway(core, {"telegram": sender}, started.as_work(), broken_spool, alerts)
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
