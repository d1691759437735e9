"""What travels: a message in, a reply out, and what became of sending it."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class InboundMessage:
    """One message from a person, as a channel understood it.

    provider_id is the provider's own id of it, unique for ever within the channel; address is where an answer goes.
    media lists the MIME types of what came with it; we never fetch it. why_unanswerable: what staff read where
    answerable is false. late: it was found after it should have come, so its answer says that it is late.
    """

    channel: str
    provider_id: str
    address: str
    text: str
    media: tuple[str, ...] = ()
    answerable: bool = True
    why_unanswerable: str = "sender-cannot-be-answered"
    late: bool = False


@dataclass(frozen=True)
class YesOrNo:
    """A reply to a yes-or-no question. says_more: it says something else as well."""

    yes: bool
    says_more: bool


@dataclass(frozen=True)
class Reply:
    """What is said to a person: the words, and the options that a chat shows as buttons.

    in_its_letters: the words are in another language, so a text message keeps letters that cost more to send.
    """

    text: str
    options: tuple[str, ...] = ()
    in_its_letters: bool = False


@dataclass(frozen=True)
class OutboundMessage:
    """One message to hand to a provider. address is in the clear only here.

    entry_id is ours; None for a safety reply that could not be stored. options: what a chat shows as buttons.
    is_prompt: nobody asked for it just now, so it is never sent a second time on a guess.
    """

    entry_id: int | None
    address: str
    text: str
    options: tuple[str, ...] = ()
    is_prompt: bool = False


@dataclass(frozen=True)
class SendResult:
    """The provider took the message: its own id of it."""

    provider_message_id: str


class Again(StrEnum):
    """Whether a message that failed is sent again, and how.

    UNTIL_MENDED: the fault is in our account, so it is tried until somebody has mended that, and no try is counted.
    WITHIN_A_DAY: the phone is off. A_FEW_TIMES: nobody knows why it failed.
    """

    NEVER = "never"
    BACK_OFF = "back-off"
    UNTIL_MENDED = "until-mended"
    WITHIN_A_DAY = "within-a-day"
    A_FEW_TIMES = "a-few-times"


class SendError(Exception):
    """The provider did not take the message, or took it and could not deliver it.

    code: the provider's code or our name for the failure. retryable: whether trying again can help. ours: whether
    the fault is in our set-up. staff_note: what the person who runs the channel should read. uncertain: the provider
    may have it all the same. again: how it is tried again; if nothing is said, with the usual back-off or never.
    retry_after_seconds: how long the provider asks us to wait. bad_number: nobody can be reached there, now or later.
    pages: it hits everybody, so staff are called at once.
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
        again: Again | None = None,
        retry_after_seconds: float | None = None,
        bad_number: bool = False,
        pages: bool = False,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.retryable = retryable
        self.ours = ours
        self.staff_note = staff_note
        self.opted_out = opted_out
        self.uncertain = uncertain
        self.again = again or (Again.BACK_OFF if retryable else Again.NEVER)
        self.retry_after_seconds = retry_after_seconds
        self.bad_number = bad_number
        self.pages = pages


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
class Question:
    """A question as the guide knows it: a topic, and the answer within it that fits, or None for the general one."""

    topic: str
    answer: str | None


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
