"""A message comes in: stored first, read for danger before anything else, and what needs no model is answered."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from helpline.domain.control_words import match
from helpline.domain.messages import InboundMessage, InboundState, Purpose, Reply
from helpline.domain.places import AmbiguousPlace, Place
from helpline.domain.safety import Danger
from helpline.domain.text import has_words, is_only_links, storable
from helpline.services.core import Core
from helpline.services.outgoing import put_in_outbox
from helpline.storage import repositories
from helpline.storage.engine import Session, StorageConflict
from helpline.storage.models import CaseEvidence, Contact, Conversation, Inbound

JOINED_MESSAGES = 3
JOINED_WITHIN = timedelta(hours=1)

# A control word that is answered without the assistant, and the reply that it gets.
_ANSWERED_HERE = {"stop": "stop-confirmed", "start": "start-confirmed", "help": "help"}


@dataclass(frozen=True)
class Received:
    """What became of an inbound message.

    outbox_id: a reply that is ready to go; needs_turn: the assistant is to be asked; danger_kind and case_id: set when
    a case was opened or added to.
    """

    message_id: int
    contact_id: str
    new: bool
    outbox_id: int | None = None
    needs_turn: bool = False
    danger_kind: str | None = None
    case_id: int | None = None


def receive(core: Core, message: InboundMessage, *, already_warned: bool = False) -> Received:
    """Store a message and do what must not wait for the assistant, all in one transaction.

    already_warned: the safety reply went out while the database could not be written, so it is not sent again.

    Raises:
        StorageUnavailable: nothing was stored.
    """
    message = replace(message, text=storable(message.text))
    try:
        return _receive_once(core, message, already_warned)
    except StorageConflict:
        # Another process stored this message, or a first one of this person, between our look and our insert. What it
        # stored is there now, so the second look finds it.
        return _receive_once(core, message, already_warned)


def _receive_once(core: Core, message: InboundMessage, already_warned: bool) -> Received:
    with core.database.write() as session:
        return _receive(session, core, message, already_warned)


def _receive(session: Session, core: Core, message: InboundMessage, already_warned: bool) -> Received:
    now = core.clock.now()
    contact, conversation = repositories.find_or_add_contact(
        session, core.addresses, message.channel, message.address, now
    )
    stored = repositories.find_inbound(session, message.channel, message.provider_id)
    if stored is not None:
        return Received(stored.entry_id, contact.id, new=False)
    inbound = repositories.add_inbound(session, contact, message, now)
    received = Received(inbound.entry_id, contact.id, new=True)
    _note_place(core, contact, message.text)

    danger = core.find_danger(
        message.text,
        repositories.recent_inbound_texts(session, contact.id, inbound.entry_id, now - JOINED_WITHIN, JOINED_MESSAGES),
    )
    if danger is not None:
        return _answer_danger(session, core, contact, inbound, received, danger, message, already_warned, now)
    if not message.answerable:
        return _settle(inbound, received, InboundState.SUPPRESSED, now, "sender-cannot-be-answered")

    word = match(message.text, core.control_words, core.form_of(contact.channel))
    if word in _ANSWERED_HERE:
        return _obey(session, core, contact, conversation, inbound, received, word, now)
    if contact.opted_out_at is not None:
        return _settle(inbound, received, InboundState.SUPPRESSED, now, "opted-out")

    unreadable = _unreadable(message)
    if unreadable is not None:
        reply = Reply(core.say(unreadable, core.form_of(contact.channel), contact.authority))
        return _answer(session, core, contact, inbound, received, reply, Purpose.REPLY, now, unreadable)
    return replace(received, needs_turn=True)


def _unreadable(message: InboundMessage) -> Literal["media-only", "empty", "emoji-only", "link-only"] | None:
    if not message.text.strip():
        return "media-only" if message.media else "empty"
    if not has_words(message.text):
        return "emoji-only"
    if is_only_links(message.text):
        return "link-only"
    return None


def _note_place(core: Core, contact: Contact, text: str) -> None:
    place = core.gazetteer.find(text)
    if isinstance(place, Place):
        contact.district, contact.authority = place.district, place.authority
    elif isinstance(place, AmbiguousPlace) and place.authority is not None:
        contact.district, contact.authority = None, place.authority


def _answer_danger(
    session: Session,
    core: Core,
    contact: Contact,
    inbound: Inbound,
    received: Received,
    danger: Danger,
    message: InboundMessage,
    already_warned: bool,
    now: datetime,
) -> Received:
    case, _ = repositories.open_case(session, contact.id, danger.kind, now)
    outbox_id = None
    if message.answerable and not already_warned:
        reply = Reply(core.safety_reply(danger, core.form_of(contact.channel), contact.authority))
        outbox_id = put_in_outbox(
            session, core, contact, reply, in_reply_to=inbound.entry_id, purpose=Purpose.SAFETY, now=now
        )
    repositories.add_evidence(
        session,
        CaseEvidence(
            entry_id=inbound.entry_id,
            case_id=case.id,
            tier=danger.tier,
            who=danger.who,
            rule=danger.rule,
            reply_entry_id=outbox_id,
            at=now,
        ),
    )
    settled = _settle(inbound, received, InboundState.ANSWERED, now, "safety")
    return replace(settled, outbox_id=outbox_id, danger_kind=danger.kind, case_id=case.id)


def _obey(
    session: Session,
    core: Core,
    contact: Contact,
    conversation: Conversation,
    inbound: Inbound,
    received: Received,
    word: str,
    now: datetime,
) -> Received:
    if word == "stop":
        if contact.opted_out_at is not None:
            return _settle(inbound, received, InboundState.SUPPRESSED, now, "opted-out")
        contact.opted_out_at = now
        conversation.expects = None
    elif word == "start":
        contact.opted_out_at = None
    elif contact.opted_out_at is not None:
        return _settle(inbound, received, InboundState.SUPPRESSED, now, "opted-out")
    reply = Reply(core.say(_ANSWERED_HERE[word], core.form_of(contact.channel), contact.authority))
    return _answer(session, core, contact, inbound, received, reply, Purpose.CONTROL, now, word)


def _answer(
    session: Session,
    core: Core,
    contact: Contact,
    inbound: Inbound,
    received: Received,
    reply: Reply,
    purpose: Purpose,
    now: datetime,
    reason: str,
) -> Received:
    outbox_id = put_in_outbox(session, core, contact, reply, in_reply_to=inbound.entry_id, purpose=purpose, now=now)
    return replace(_settle(inbound, received, InboundState.ANSWERED, now, reason), outbox_id=outbox_id)


def _settle(
    inbound: Inbound, received: Received, state: InboundState, now: datetime, reason: str | None = None
) -> Received:
    inbound.state, inbound.state_reason, inbound.settled_at = state, reason, now
    return received
