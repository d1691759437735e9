"""Texts that our webhook missed: each is found, and answered once with a word about the wait."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from channels.gateway import Gateway
from channels.missed import find_missed
from channels.sms_twilio.inbox import TwilioInbox
from channels.sms_twilio.paths import FALLBACK_PATH
from helpline.domain.messages import OutboundMessage, Reply
from helpline.keys import Keys
from helpline.services.alarms import raise_due_alarms
from helpline.services.core import Core
from helpline.services.turns import hold, settle_turn
from helpline.settings import Settings
from helpline.spool import Spool
from helpline.storage.models import Inbound
from tests.channels.breaking import read_only
from tests.channels.conftest import PUBLIC
from tests.channels.sms.helpers import URL, sender_at
from tests.conftest import ADDRESS_KEY, StartedWork
from tests.fakes import PHONE, RecordingAlerts, RecordingSender, SettableClock
from tests.fakes.twilio import FakeTwilio
from tests.fakes.webhooks import WebhookFailed, cannot_connect, post_by
from tests.services import rows


@pytest.fixture
def inbox(api: str, keys: Keys) -> TwilioInbox:
    return TwilioInbox.from_settings(Settings(twilio_api_url=api), keys)


def minutes_later(clock: SettableClock, minutes: int = 3) -> None:
    clock.advance(timedelta(minutes=minutes))


def test_texts_that_a_dead_webhook_missed_are_found_and_each_answered_once_with_a_word_about_the_wait(
    twilio: FakeTwilio,
    inbox: TwilioInbox,
    gateway: Gateway,
    core: Core,
    clock: SettableClock,
    started: StartedWork,
    client: TestClient[Litestar],
    alerts: RecordingAlerts,
) -> None:
    came = twilio.receive(PHONE, "this one came through")
    assert twilio.webhook(came, URL, post_by(client)) == [200]
    missed = [twilio.receive(f"+44770090010{number}", f"question {number}") for number in range(3)]
    danger = twilio.receive("+447700900109", "i want to kill myself")
    for one in (*missed, danger):
        assert set(twilio.webhook(one, URL + "#rc=5&rp=all", cannot_connect)) == {0}
    minutes_later(clock)
    assert find_missed(gateway, {"sms": inbox}) == 4
    assert find_missed(gateway, {"sms": inbox}) == 0
    # Twilio gets through at last, too.
    assert twilio.webhook(missed[0], URL, post_by(client)) == [200]

    late = [row for row in rows.all_of(core, Inbound) if row.late]
    assert [row.provider_id for row in late] == [one.sid for one in (*missed, danger)]
    assert [case.kind for case in rows.cases(core)] == ["suicide"]
    [safety] = rows.outbox(core)
    assert "999" in safety.text
    lead = core.say("late-answer-lead", "sms")
    for message_id in started.turns:
        settle_turn(core, message_id, [Reply("an answer")])
    answers = rows.texts(core)[1:]
    assert [lead in answer for answer in answers] == [False, True, True, True]
    raise_due_alarms(core, alerts)
    assert ("messages-found-late", {"channel": "sms", "count": 4}) in alerts.raised


def test_a_late_answer_says_that_it_is_late_once_also_where_the_person_was_told_to_wait(
    twilio: FakeTwilio, inbox: TwilioInbox, gateway: Gateway, core: Core, clock: SettableClock, started: StartedWork
) -> None:
    twilio.receive(PHONE, "a question")
    minutes_later(clock)
    find_missed(gateway, {"sms": inbox})
    hold(core, started.turns[0])
    settle_turn(core, started.turns[0], [Reply("an answer")])
    assert rows.texts(core)[-1].count(core.say("late-answer-lead", "sms")) == 1


def test_a_text_that_may_still_come_by_itself_is_left_alone(
    twilio: FakeTwilio, inbox: TwilioInbox, gateway: Gateway, clock: SettableClock
) -> None:
    twilio.receive(PHONE, "a question")
    clock.advance(timedelta(seconds=30))
    assert find_missed(gateway, {"sms": inbox}) == 0
    minutes_later(clock)
    assert find_missed(gateway, {"sms": inbox}) == 1


def test_after_an_outage_of_hours_everything_since_the_last_look_is_found(
    twilio: FakeTwilio, inbox: TwilioInbox, gateway: Gateway, clock: SettableClock, core: Core
) -> None:
    twilio.largest_page = 20
    assert find_missed(gateway, {"sms": inbox}) == 0
    for number in range(90):
        twilio.receive(f"+4477009{number:05d}", "a question")
        minutes_later(clock)
    assert find_missed(gateway, {"sms": inbox}) == 90
    assert len({row.provider_id for row in rows.all_of(core, Inbound)}) == 90


def test_the_first_look_of_all_does_not_answer_what_is_days_old(
    twilio: FakeTwilio, inbox: TwilioInbox, gateway: Gateway, clock: SettableClock
) -> None:
    twilio.receive(PHONE, "long ago")
    clock.advance(timedelta(days=2))
    assert find_missed(gateway, {"sms": inbox}) == 0


def test_a_twilio_that_cannot_be_asked_is_asked_again_from_where_the_last_answer_ended(
    twilio: FakeTwilio, inbox: TwilioInbox, gateway: Gateway, clock: SettableClock, keys: Keys
) -> None:
    find_missed(gateway, {"sms": inbox})
    twilio.receive(PHONE, "a question")
    clock.advance(timedelta(hours=3))
    away = TwilioInbox.from_settings(Settings(twilio_api_url="http://127.0.0.1:1"), keys)
    assert find_missed(gateway, {"sms": away}) == 0
    assert find_missed(gateway, {"sms": inbox}) == 1


def test_while_nothing_can_be_kept_the_list_counts_as_unread(
    twilio: FakeTwilio, inbox: TwilioInbox, core: Core, clock: SettableClock, started: StartedWork, tmp_path: Path
) -> None:
    (tmp_path / "not-a-folder").write_text("")
    spool = Spool(tmp_path / "not-a-folder", ADDRESS_KEY)
    gateway = Gateway(core, {"sms": RecordingSender()}, started.as_work(), spool, RecordingAlerts())
    find_missed(gateway, {"sms": inbox})
    twilio.receive(PHONE, "a question")
    clock.advance(timedelta(hours=1))
    with read_only(core.database.engine):
        assert find_missed(gateway, {"sms": inbox}) == 0
    assert find_missed(gateway, {"sms": inbox}) == 1


def test_what_is_not_for_our_number_or_came_from_us_is_none_of_our_business(
    twilio: FakeTwilio, inbox: TwilioInbox, gateway: Gateway, clock: SettableClock, api: str, keys: Keys
) -> None:
    twilio.receive(PHONE, "for another number", to="+447700900999")
    sender_at(api, keys).send(OutboundMessage(7, PHONE, "a text"))
    minutes_later(clock)
    assert find_missed(gateway, {"sms": inbox}) == 0


def test_with_a_messaging_service_its_own_texts_are_found(
    twilio: FakeTwilio, api: str, keys: Keys, gateway: Gateway, clock: SettableClock, core: Core
) -> None:
    service = "MG" + "0" * 32
    twilio.receive(PHONE, "for the service", to="+447700900300").service = service
    twilio.receive(PHONE, "for another", to="+447700900301").service = "MG" + "1" * 32
    minutes_later(clock)
    inbox = TwilioInbox.from_settings(Settings(twilio_api_url=api, twilio_messaging_service_sid=service), keys)
    assert find_missed(gateway, {"sms": inbox}) == 1


def test_a_missed_picture_is_known_to_be_one(
    twilio: FakeTwilio, inbox: TwilioInbox, gateway: Gateway, clock: SettableClock, core: Core
) -> None:
    twilio.receive(PHONE, "", media=2)
    minutes_later(clock)
    assert find_missed(gateway, {"sms": inbox}) == 1
    [stored] = rows.all_of(core, Inbound)
    assert (stored.media, stored.state_reason) == (["unknown", "unknown"], "media-only")


def test_twilio_turns_to_the_fallback_address_when_the_first_one_cannot_be_reached(
    twilio: FakeTwilio, client: TestClient[Litestar], core: Core
) -> None:
    def only_the_fallback(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        if not url.endswith(FALLBACK_PATH):
            raise WebhookFailed
        return post_by(client)(url, body, headers)

    one = twilio.receive(PHONE, "a question")
    assert twilio.webhook(one, URL, only_the_fallback, fallback=PUBLIC + FALLBACK_PATH) == [0, 0, 200]
    [stored] = rows.all_of(core, Inbound)
    assert (stored.provider_id, stored.late) == (one.sid, False)
