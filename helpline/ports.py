"""What the core needs from outside, as protocols. bootstrap.py chooses the real ones; tests bring their own."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from helpline.domain.directory import Service, Wanted
from helpline.domain.messages import InboundMessage, OutboundMessage, Reply, SendResult


class Clock(Protocol):
    """The present, so that tests and replays can set it."""

    def now(self) -> datetime:
        """The present moment, with its time zone (UTC)."""
        ...


class MessageSender(Protocol):
    """Hands messages of one channel to its provider."""

    def send(self, message: OutboundMessage) -> SendResult:
        """Hand over one message. Raises SendError."""
        ...

    def find(self, message: OutboundMessage, since: datetime) -> SendResult | None:
        """Look up a message that may have been handed over before a crash. Raises SendError if that cannot be told."""
        ...


class Inbox(Protocol):
    """A provider's own list of what people sent us, to compare with ours."""

    def received(self, since: datetime, until: datetime) -> Sequence[InboundMessage]:
        """What the provider received between two moments, oldest first. Raises SendError if it cannot be asked."""
        ...


class AssistantUnavailable(Exception):
    """The assistant gave no usable answer: down, slow, silent, or an answer meant for somebody else."""


class Assistant(Protocol):
    """The language half: what was meant, and what to say next."""

    def answer(self, sender: str, text: str, metadata: Mapping[str, Any]) -> Sequence[Reply]:
        """The replies to one message. Raises AssistantUnavailable."""
        ...

    def is_ready(self) -> bool:
        """Whether the assistant is up with a model loaded."""
        ...


class AlertNotRaised(Exception):
    """Nobody could be told; the alert must be raised again later."""


class Alerts(Protocol):
    """Tells the people who run the service that something needs them. Carries ids, never words."""

    def raise_alert(self, kind: str, **ids: str | int) -> None:
        """Raise one alert. Raises AlertNotRaised."""
        ...


class FindServices(Protocol):
    """Finds services of the directory."""

    def find(self, wanted: Wanted, most: int) -> list[Service]:
        """The services that fit, nearest first, at most so many."""
        ...
