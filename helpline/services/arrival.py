"""One message that is being taken in, inside its transaction, and how it ends."""

from dataclasses import dataclass, replace
from datetime import datetime

from helpline.domain.messages import InboundMessage, InboundState, Purpose, Reply
from helpline.domain.replies import Channel
from helpline.services.core import Core
from helpline.services.outgoing import put_in_outbox
from helpline.storage.engine import Session
from helpline.storage.models import Contact, Conversation, Inbound


@dataclass(frozen=True)
class Received:
    """What became of an inbound message.

    outbox_id: a reply that is ready to go; turn_for: the message that the assistant is to be asked about, this one or
    one that waited for it; danger_kind and case_id: set when a case was opened or added to. notices: what the same
    person is told on other channels, as (outbox entry, contact).
    """

    message_id: int
    contact_id: str
    new: bool
    outbox_id: int | None = None
    turn_for: int | None = None
    danger_kind: str | None = None
    case_id: int | None = None
    notices: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Arrival:
    """A stored message with everything that is needed to deal with it.

    already_warned: the safety reply went out while the database could not be written, so it is not sent again.
    """

    session: Session
    core: Core
    contact: Contact
    conversation: Conversation
    inbound: Inbound
    message: InboundMessage
    already_warned: bool
    now: datetime

    @property
    def form(self) -> Channel:
        """How the person's channel is worded."""
        return self.core.form_of(self.contact.channel)

    def say(self, reply_id: str, **values: str) -> str:
        """A reply's words for this person."""
        return self.core.say(reply_id, self.form, self.conversation.authority, **values)

    def tell(self, contact: Contact, reply_id: str) -> int:
        """Queue a reply for another contact of the same person; gives its entry id."""
        text = self.core.say(reply_id, self.core.form_of(contact.channel), self.conversation.authority)
        return put_in_outbox(
            self.session, self.core, contact, Reply(text), in_reply_to=None, purpose=Purpose.CONTROL, now=self.now
        )

    def put_in_outbox(
        self, text: str, purpose: Purpose, options: tuple[str, ...] = (), *, in_its_letters: bool = False
    ) -> int:
        """Queue a reply to this message, with buttons where the channel has any; gives its entry id."""
        return put_in_outbox(
            self.session,
            self.core,
            self.contact,
            Reply(text, options if self.form == "chat" else (), in_its_letters),
            in_reply_to=self.inbound.entry_id,
            purpose=purpose,
            now=self.now,
        )

    def received(self) -> Received:
        """The message is stored, and nothing more is decided."""
        return Received(self.inbound.entry_id, self.contact.id, new=True)

    def settle(self, state: InboundState, reason: str) -> Received:
        """Nothing more is to be done about the message."""
        self.inbound.state, self.inbound.state_reason, self.inbound.settled_at = state, reason, self.now
        return self.received()

    def answer(self, text: str, purpose: Purpose, reason: str, options: tuple[str, ...] = ()) -> Received:
        """The message is answered with this text."""
        outbox_id = self.put_in_outbox(text, purpose, options)
        return replace(self.settle(InboundState.ANSWERED, reason), outbox_id=outbox_id)
