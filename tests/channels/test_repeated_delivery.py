"""Twilio brings a text again when it is not sure that we have it: at either address, late, and several at once.

From its signed webhooks through the real application, database and durable engine to its API: however often a text is
brought, it is one message, one turn and one reply.
"""

import random
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from channels.app import create_app
from channels.base import ChannelContext
from channels.sms_twilio.paths import FALLBACK_PATH, INBOUND_PATH
from channels.sms_twilio.send import TwilioSender
from content.schema import Content
from helpline.domain.messages import Reply
from helpline.domain.safety import SafetyContent, SafetyScanner
from helpline.keys import Keys
from helpline.services.core import Core
from helpline.settings import Settings
from helpline.storage import engine
from helpline.storage.models import Inbound
from tests.channels.conftest import AUTH_TOKEN, PUBLIC, on_loopback
from tests.fakes import RecordingAlerts, SettableClock, new_phone
from tests.fakes.twilio import FakeTwilio, Text
from tests.flows.starting import running
from tests.services import rows
from tests.waiting import wait_until

PEOPLE, TEXTS_OF_EACH = 40, 3
AT_ONCE = 8


class CountingAssistant:
    """Says back what it heard, and counts how often it was asked about each message."""

    def __init__(self) -> None:
        self.asked: Counter[int] = Counter()
        self._lock = threading.Lock()

    def answer(self, sender: str, text: str, metadata: Mapping[str, Any]) -> Sequence[Reply]:
        with self._lock:
            self.asked[metadata["message_id"]] += 1
        return [Reply(f"about: {text}.")]

    def is_ready(self) -> bool:
        return True


@dataclass
class Line:
    """The helpline that runs, with Twilio on both sides of it."""

    core: Core
    twilio: FakeTwilio
    assistant: CountingAssistant
    address: str
    client: httpx.Client

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Twilio signs the public address, and a proxy brings it here."""
        return self.client.post(url.replace(PUBLIC, self.address), content=body, headers=dict(headers)).status_code

    def bring(self, text: Text, path: str = INBOUND_PATH) -> None:
        assert self.twilio.webhook(text, PUBLIC + path, self.post) == [200]

    def replies_to(self, phone: str) -> list[str]:
        return [text.body for text in self.twilio.sent if text.to == phone]


@pytest.fixture
def line(
    database_url: str | None,
    tmp_path: Path,
    content: Content,
    safety: SafetyContent,
    scanner: SafetyScanner,
    settings: Settings,
    keys: Keys,
    alerts: RecordingAlerts,
    clock: SettableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Line]:
    # On a busy machine a writer may have to wait for longer than we have patience with. That is tested elsewhere.
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MILLISECONDS", 60_000)
    twilio, assistant = FakeTwilio(AUTH_TOKEN, now=clock.now), CountingAssistant()
    words = content, safety, scanner
    with on_loopback(twilio.app()) as api:
        sender = TwilioSender.from_settings(Settings(twilio_api_url=api), keys)
        with running(tmp_path, database_url, words, clock, assistant, sender, alerts) as (core, gateway, _):
            context = ChannelContext(settings, keys, gateway)
            app = create_app(context, assistant, core, start=lambda: None, stop=lambda: None)
            with on_loopback(app) as address, httpx.Client(timeout=60.0) as client:
                yield Line(core, twilio, assistant, address, client)


def test_texts_that_are_brought_two_to_five_times_in_any_order_are_one_message_one_turn_and_one_reply_each(
    line: Line,
) -> None:
    chance = random.Random(2026)
    phones = [new_phone() for _ in range(PEOPLE)]
    texts = [
        line.twilio.receive(phone, f"question {number} of {phone[-5:]}")
        for phone in phones
        for number in range(TEXTS_OF_EACH)
    ]
    brought = [
        (text, chance.choice((INBOUND_PATH, INBOUND_PATH, FALLBACK_PATH)))
        for text in texts
        for _ in range(chance.randint(2, 5))
    ]
    chance.shuffle(brought)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda one: line.bring(*one), brought))
    # A person's texts are answered one at a time and in order: a second answer could only come before that to the last.
    last = [line.twilio.receive(phone, f"last of {phone[-5:]}") for phone in phones]
    for text in last:
        line.bring(text)
    for phone in phones:
        wait_until(
            f"the reply to the last text of {phone}",
            lambda phone=phone: any("about: last of" in reply for reply in line.replies_to(phone)),  # type: ignore[misc]
        )

    stored = rows.all_of(line.core, Inbound)
    assert sorted(one.provider_id for one in stored) == sorted(text.sid for text in texts + last)
    assert line.assistant.asked == Counter({one.entry_id: 1 for one in stored})
    assert Counter(row.in_reply_to for row in rows.outbox(line.core)) == Counter({one.entry_id: 1 for one in stored})
    for phone in phones:
        wanted = [f"about: question {number} of {phone[-5:]}." for number in range(TEXTS_OF_EACH)]
        replies = line.replies_to(phone)
        assert len(replies) == TEXTS_OF_EACH + 1
        assert all(sum(words in reply for reply in replies) == 1 for words in wanted)
