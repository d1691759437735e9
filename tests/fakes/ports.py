"""Stand-ins at the ports. Nothing of ours is replaced by them."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from helpline.domain.messages import InboundMessage, OutboundMessage, Reply, SendError, SendResult
from helpline.domain.safety import Opinion, Who
from helpline.ports import AssistantUnavailable

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PHONE = "+447700900001"

_numbers = count(1)


class SettableClock:
    """A clock that moves when told."""

    def __init__(self, moment: datetime = NOON) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def advance(self, by: timedelta) -> None:
        self.moment += by


class ScriptedAssistant:
    """An assistant that says what the test has it say, or fails as the test has it fail."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Mapping[str, Any]]] = []
        self.ready = True
        self.respond: Callable[[str], Sequence[Reply]] = lambda text: [Reply(f"about: {text}")]
        self.answered = threading.Event()

    def answer(self, sender: str, text: str, metadata: Mapping[str, Any]) -> Sequence[Reply]:
        self.asked.append((sender, text, metadata))
        return self.respond(text)

    def is_ready(self) -> bool:
        return self.ready

    def fail(self) -> None:
        def refuse(text: str) -> Sequence[Reply]:
            raise AssistantUnavailable("silence")

        self.respond = refuse

    def recover(self) -> None:
        self.respond = lambda text: [Reply(f"about: {text}")]


class RecordingSender:
    """A provider that keeps what it took, and can refuse."""

    def __init__(self) -> None:
        self.taken: list[OutboundMessage] = []
        self.looked_up: list[int] = []
        self.refusals: list[SendError] = []
        self.took_before_failing = False

    def send(self, message: OutboundMessage) -> SendResult:
        if self.refusals:
            error = self.refusals.pop(0)
            if self.took_before_failing:
                self.taken.append(message)
            raise error
        self.taken.append(message)
        return SendResult(f"P{len(self.taken)}")

    def find(self, message: OutboundMessage, since: datetime) -> SendResult | None:
        self.looked_up.append(message.entry_id)
        for index, taken in enumerate(self.taken, start=1):
            if (taken.address, taken.text) == (message.address, message.text):
                return SendResult(f"P{index}")
        return None

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.taken]


class RecordingAlerts:
    """Alerts that are kept."""

    def __init__(self) -> None:
        self.raised: list[tuple[str, dict[str, str | int]]] = []

    def raise_alert(self, kind: str, **ids: str | int) -> None:
        self.raised.append((kind, ids))


class Hunches:
    """A reader that learnt nothing but the texts that it was given, each with a kind of danger, whose, and a score."""

    threshold = 0.5
    doubt = 0.1
    words: frozenset[str] = frozenset()

    def __init__(self, hunches: Mapping[str, tuple[str, Who, float]]) -> None:
        self._hunches = hunches

    def read(self, text: str) -> Opinion:
        found = next((hunch for said, hunch in self._hunches.items() if said in text), None)
        kind, who, score = found or ("suicide", "unknown", 0.0)
        return Opinion(score, who, {kind: score})


def new_message(text: str, channel: str = "sms", address: str = PHONE) -> InboundMessage:
    """A message that was never received before."""
    return InboundMessage(channel, f"M{next(_numbers)}", address, text)


def new_phone() -> str:
    """The number of somebody who never wrote before."""
    return f"+4477009{next(_numbers):05d}"


def text_from(text: str, provider_id: str = "SM1", address: str = PHONE, **more: Any) -> InboundMessage:
    """A text message as the SMS channel understands it."""
    return InboundMessage("sms", provider_id, address, text, **more)
