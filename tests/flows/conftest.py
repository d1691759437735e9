"""The durable engine running in this process, once for a module and each database."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

import pytest

from channels.gateway import Gateway, Outcome
from content.schema import Content
from helpline import flows
from helpline.domain.messages import InboundMessage, OutboundMessage, Reply, SendError, SendResult
from helpline.domain.safety import SafetyContent, SafetyScanner
from helpline.ports import AssistantUnavailable
from helpline.services.core import Core
from helpline.services.threads import ThreadMessage, thread_after
from tests.conftest import new_postgresql_database
from tests.fakes import RecordingAlerts, SettableClock, text_from
from tests.flows.starting import running
from tests.waiting import wait_until

_numbers = count(100)


class BusyAssistant:
    """An assistant for many people at once: says back what it heard, unless it is down, poisoned or held up."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.well = True
        self.poison: str | None = None
        self.wrong: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        self._lock = threading.Lock()

    def answer(self, sender: str, text: str, metadata: Mapping[str, Any]) -> Sequence[Reply]:
        with self._lock:
            self.heard.append(text)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if not self.gate.wait(timeout=20):
                raise AssistantUnavailable("held up by the test for too long")
            if not self.well or (self.poison is not None and self.poison in text):
                raise self.wrong or AssistantUnavailable("silence")
            return [Reply(f"about: {text}")]
        finally:
            with self._lock:
                self.at_once -= 1

    def is_ready(self) -> bool:
        return self.well


class BusySender:
    """A provider for many people at once, whose refusals are for one number."""

    def __init__(self) -> None:
        self.taken: list[OutboundMessage] = []
        self.looked_up: list[int] = []
        self.refusals: dict[str, list[SendError]] = {}
        self.takes_before_refusing = False

    def send(self, message: OutboundMessage) -> SendResult:
        refusals = self.refusals.get(message.address)
        if refusals:
            if self.takes_before_refusing:
                self.taken.append(message)
            raise refusals.pop(0)
        self.taken.append(message)
        return SendResult(f"P{message.entry_id}")

    def find(self, message: OutboundMessage, since: datetime) -> SendResult | None:
        self.looked_up.append(message.entry_id)
        found = any((one.address, one.text) == (message.address, message.text) for one in self.taken)
        return SendResult(f"P{message.entry_id}") if found else None

    def to(self, address: str) -> list[str]:
        return [message.text for message in self.taken if message.address == address]


class ListedInbox:
    """A provider's own list of what people sent."""

    def __init__(self) -> None:
        self.listed: list[InboundMessage] = []

    def received(self, since: datetime, until: datetime) -> Sequence[InboundMessage]:
        return self.listed


@dataclass
class World:
    """A running helpline without its edges."""

    core: Core
    clock: SettableClock
    gateway: Gateway
    assistant: BusyAssistant
    sender: BusySender
    alerts: RecordingAlerts
    inbox: ListedInbox
    numbers: Iterator[int] = field(default_factory=lambda: _numbers)

    def somebody(self) -> str:
        return f"+447700{next(self.numbers):06d}"

    def hears(self, address: str, text: str, provider_id: str | None = None) -> str:
        provider_id = provider_id or f"SM{next(self.numbers)}"
        assert self.gateway.handle_inbound(text_from(text, provider_id, address)).outcome is Outcome.STORED
        return provider_id

    def thread(self, address: str) -> list[ThreadMessage]:
        return thread_after(self.core, "sms", address)

    def settled(self, *addresses: str, within: float = 30.0) -> None:
        def all_settled() -> bool:
            threads = [self.thread(address) for address in addresses]
            return all(thread and not any(entry.is_unsettled for entry in thread) for thread in threads)

        wait_until("everything answered and sent", all_settled, within)

    def replies(self, address: str) -> list[str]:
        lead = self.core.say("first-contact-lead", "sms")
        return [text.removeprefix(lead).strip() for text in self.sender.to(address)]


@pytest.fixture(scope="module", params=["embedded", "postgresql"])
def running_world(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    content: Content,
    safety: SafetyContent,
    scanner: SafetyScanner,
) -> Iterator[World]:
    folder, clock = tmp_path_factory.mktemp("flows"), SettableClock()
    assistant, sender, alerts = BusyAssistant(), BusySender(), RecordingAlerts()
    inbox = ListedInbox()

    def started(url: str | None) -> Iterator[World]:
        words = content, safety, scanner
        with running(folder, url, words, clock, assistant, sender, alerts, {"sms": inbox}) as (core, gateway, _):
            yield World(core, clock, gateway, assistant, sender, alerts, inbox)
            assistant.gate.set()

    if request.param == "embedded":
        yield from started(None)
        return
    with new_postgresql_database(request.getfixturevalue("postgresql_url")) as url:
        yield from started(url)


@pytest.fixture
def world(running_world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The running helpline, with nothing left of the test before and with retries that do not take a minute."""
    monkeypatch.setattr(flows, "TURN_BACKOFF", (1,))
    monkeypatch.setattr(flows, "SEND_BACKOFF", (1,))
    assistant, sender = running_world.assistant, running_world.sender
    assistant.well, assistant.poison, assistant.wrong, assistant.most_at_once = True, None, None, 0
    assistant.heard.clear()
    assistant.gate.set()
    sender.refusals.clear()
    sender.takes_before_refusing = False
    running_world.alerts.raised.clear()
    yield running_world
    assistant.gate.set()
