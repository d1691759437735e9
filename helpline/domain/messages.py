"""What travels: a message in, a reply out, and what became of sending it."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class InboundMessage:
    """One message from a person, as a channel understood it.

    provider_id is the provider's own id of it, unique for ever within the channel; address is where an answer goes.
    media lists the MIME types of what came with it; we never fetch it.
    """

    channel: str
    provider_id: str
    address: str
    text: str
    media: tuple[str, ...] = ()
    answerable: bool = True


@dataclass(frozen=True)
class YesOrNo:
    """A reply to a yes-or-no question. says_more: it says something else as well."""

    yes: bool
    says_more: bool


@dataclass(frozen=True)
class Reply:
    """What is said to a person: the words, and the options that a chat shows as buttons."""

    text: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class OutboundMessage:
    """One message to hand to a provider. address is in the clear only here.

    entry_id is ours; None for a safety reply that could not be stored.
    """

    entry_id: int | None
    address: str
    text: str


@dataclass(frozen=True)
class SendResult:
    """The provider took the message: its own id of it."""

    provider_message_id: str


class SendError(Exception):
    """The provider did not take the message.

    code: the provider's code or our name for the failure. retryable: whether trying again can help. ours: whether
    the fault is in our set-up. staff_note: what the person who runs the channel should read.
    """

    def __init__(
        self,
        code: str,
        *,
        retryable: bool,
        ours: bool,
        staff_note: str,
        opted_out: bool = False,
        uncertain: bool = False,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.retryable = retryable
        self.ours = ours
        self.staff_note = staff_note
        self.opted_out = opted_out
        self.uncertain = uncertain


class Purpose(StrEnum):
    """Why a message was written to the outbox. One of each kind at most for one inbound message."""

    REPLY = "reply"
    HOLDING = "holding"
    SAFETY = "safety"
    CONTROL = "control"
    FOLLOW_UP = "follow-up"


class InboundState(StrEnum):
    """Where an inbound message stands. Everything but RECEIVED is final."""

    RECEIVED = "received"
    ANSWERED = "answered"
    SUPPRESSED = "suppressed"
    HANDED_TO_STAFF = "handed-to-staff"


class OutboxState(StrEnum):
    """Where an outbound message stands."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True)
class Understanding:
    """What the assistant made of a message, as the reviewer will see it beside the words."""

    intent: str
    confidence: float
    topic: str | None = None
    answer: str | None = None
    answer_confidence: float | None = None
    value: str | None = None
    out_of_scope: bool = False
