"""Handing the outbox to the providers: marked before the call, recorded after it, never resent on a guess."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import structlog

from helpline.domain.messages import OutboundMessage, OutboxState, Purpose, SendError, SendResult
from helpline.ports import MessageSender
from helpline.services.cases import note_reply_refused
from helpline.services.core import Core
from helpline.storage.models import Contact, Outbox, ThreadEntry

log = structlog.get_logger("sending")


class Delivery(StrEnum):
    """How an attempt to send ended. AGAIN: worth trying again later; FAILED: staff must see it."""

    SENT = "sent"
    NOTHING_TO_DO = "nothing-to-do"
    AGAIN = "again"
    FAILED = "failed"


@dataclass(frozen=True)
class Claim:
    """An outbox row that is ours to send.

    uncertain_since: set when an earlier attempt was cut off after the provider may have taken the message; it must
    be looked up there before it is sent again.
    """

    channel: str
    message: OutboundMessage
    uncertain_since: datetime | None


def claim(core: Core, entry_id: int) -> Claim | None:
    """Mark an outbox row as being sent and give what to send; None if there is nothing (more) to do.

    Consent is checked again here, in the same transaction: a person who has opted out gets nothing but the one
    confirmation and a safety reply.

    Raises:
        StorageUnavailable: nothing was changed; try again later.
    """
    with core.database.write() as session:
        outbox = session.get(Outbox, entry_id, with_for_update=True)
        if outbox is None or outbox.state not in (OutboxState.QUEUED, OutboxState.SENDING):
            return None
        entry = session.get_one(ThreadEntry, entry_id)
        contact = session.get_one(Contact, entry.contact_id)
        if contact.opted_out_at is not None and outbox.purpose not in (Purpose.CONTROL, Purpose.SAFETY):
            outbox.state, outbox.staff_note = OutboxState.SUPPRESSED, "opted out"
            return None
        uncertain_since = outbox.claimed_at if outbox.state == OutboxState.SENDING else None
        outbox.state = OutboxState.SENDING
        outbox.claimed_at = uncertain_since or core.clock.now()
        outbox.attempts += 1
        address = core.addresses.decrypt(contact.address_encrypted)
        return Claim(contact.channel, OutboundMessage(entry_id, address, entry.text), uncertain_since)


def deliver(core: Core, senders: Mapping[str, MessageSender], entry_id: int, *, is_last_attempt: bool) -> Delivery:
    """Send one outbox message, unless somebody has or it must not be sent.

    Raises:
        StorageUnavailable: try again later; what the provider may have taken is looked up then.
    """
    claimed = claim(core, entry_id)
    if claimed is None:
        return Delivery.NOTHING_TO_DO
    sender = senders[claimed.channel]
    try:
        result = None
        if claimed.uncertain_since is not None:
            result = sender.find(claimed.message, claimed.uncertain_since)
        if result is None:
            result = sender.send(claimed.message)
    except SendError as error:
        is_final = is_last_attempt or not error.retryable
        log.warning("send failed", entry_id=entry_id, code=error.code, final=is_final)
        return record_failed(core, entry_id, error, is_final=is_final)
    record_sent(core, entry_id, result)
    return Delivery.SENT


def record_sent(core: Core, entry_id: int, result: SendResult) -> None:
    """The provider has it.

    Raises:
        StorageUnavailable: the row stays marked as being sent and will be looked up at the provider.
    """
    with core.database.write() as session:
        outbox = session.get_one(Outbox, entry_id)
        outbox.state, outbox.sent_at = OutboxState.SENT, core.clock.now()
        outbox.provider_message_id = result.provider_message_id
        outbox.error_code = outbox.staff_note = None


def record_failed(core: Core, entry_id: int, error: SendError, *, is_final: bool) -> Delivery:
    """The provider does not have it. Not final: it goes back to the queue; final: staff must see it.

    An uncertain failure stays marked as being sent, so that the next attempt looks it up first. A provider that
    says the person has opted out is believed; it has then confirmed that to them itself, so our confirmation is
    no loss.

    Raises:
        StorageUnavailable: the row stays marked as being sent and will be looked up at the provider.
    """
    with core.database.write() as session:
        outbox = session.get_one(Outbox, entry_id)
        outbox.error_code, outbox.staff_note = error.code, error.staff_note
        confirmed_by_provider = error.opted_out and outbox.purpose == Purpose.CONTROL
        if confirmed_by_provider:
            outbox.state = OutboxState.SUPPRESSED
        elif is_final:
            outbox.state = OutboxState.FAILED
        elif not error.uncertain:
            outbox.state = OutboxState.QUEUED
        if is_final and outbox.purpose == Purpose.SAFETY:
            note_reply_refused(session, core, entry_id)
        if error.opted_out:
            entry = session.get_one(ThreadEntry, entry_id)
            contact = session.get_one(Contact, entry.contact_id)
            contact.opted_out_at = contact.opted_out_at or core.clock.now()
        if confirmed_by_provider:
            return Delivery.NOTHING_TO_DO
        return Delivery.FAILED if is_final else Delivery.AGAIN
