"""Handing the outbox to the providers: marked before the call, recorded after it, never resent on a guess."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import structlog

from helpline.domain.messages import Again, OutboundMessage, OutboxState, Purpose, SendError, SendResult
from helpline.domain.sending_limits import NUMBER_MAY_BE_ANOTHERS_AFTER, PROACTIVE, SendingLimits
from helpline.ports import MessageSender
from helpline.services.alarms import SPENDING_LIMIT, TOO_MANY, day_of, hour_of, local_midnight, note_alarm
from helpline.services.cases import note_reply_refused
from helpline.services.core import Core
from helpline.services.receipts import note_consequences, note_handed_over
from helpline.storage import deliveries, repositories
from helpline.storage.engine import Session
from helpline.storage.models import Contact, Outbox, ThreadEntry

# While our account is at fault, how often it is tried, and after how long a message is worth nothing any more.
UNTIL_MENDED_SECONDS = 60.0
UNTIL_MENDED_FOR = timedelta(days=3)
AN_HOUR = timedelta(hours=1)
# Overtaken: a reply that a phone did not get would come after a later one.
_RESENT_IN_ORDER = frozenset({Purpose.REPLY, Purpose.FOLLOW_UP})
_NEVER_LIMITED = frozenset({Purpose.SAFETY, Purpose.CONTROL})

log = structlog.get_logger("sending")


class Delivery(StrEnum):
    """How an attempt to send ended.

    AGAIN: worth trying again later. WAITS: its time has not come, and no try is counted. BEHIND: an earlier message to
    the same person goes first. FAILED: staff must see it.
    """

    SENT = "sent"
    NOTHING_TO_DO = "nothing-to-do"
    AGAIN = "again"
    WAITS = "waits"
    BEHIND = "behind"
    FAILED = "failed"


@dataclass(frozen=True)
class Attempt:
    """How an attempt to send ended, and in how many seconds the next one is due; None for the usual back-off."""

    delivery: Delivery
    again_in: float | None = None


@dataclass(frozen=True)
class Claim:
    """An outbox row that is ours to send.

    uncertain_since: set when an earlier attempt was cut off after the provider may have taken the message; it must
    be looked up there before it is sent again.
    """

    channel: str
    message: OutboundMessage
    uncertain_since: datetime | None
    written_at: datetime


class NotYet(Exception):
    """A row whose turn has not come. again_in: seconds; None: when the earlier message to the same person is gone."""

    def __init__(self, again_in: float | None) -> None:
        super().__init__("not yet")
        self.again_in = again_in


def claim(core: Core, entry_id: int) -> Claim | None:
    """Mark an outbox row as being sent and give what to send; None if there is nothing (more) to do.

    Everything is checked again here, in the same transaction: a person who has opted out gets nothing but the one
    confirmation and a safety reply; what is unasked is held to the pace, the day's spending and a number that can be
    reached; and nobody is sent so many texts in an hour that the networks would block our number. A safety reply is
    held up by none of these.

    Raises:
        NotYet: it is to be tried again later.
        StorageUnavailable: nothing was changed; try again later.
    """
    with core.database.write() as session:
        claimed = _claim(session, core, entry_id)
    if isinstance(claimed, NotYet):
        raise claimed
    return claimed


def _claim(session: Session, core: Core, entry_id: int) -> Claim | NotYet | None:
    outbox = session.get(Outbox, entry_id, with_for_update=True)
    if outbox is None or outbox.state not in (OutboxState.QUEUED, OutboxState.SENDING):
        return None
    entry = session.get_one(ThreadEntry, entry_id)
    contact = session.get_one(Contact, entry.contact_id)
    now = core.clock.now()
    if contact.opted_out_at is not None and outbox.purpose not in (Purpose.CONTROL, Purpose.SAFETY):
        outbox.state, outbox.staff_note = OutboxState.SUPPRESSED, "opted out"
        return None
    if outbox.not_before is not None and outbox.not_before > now:
        return NotYet((outbox.not_before - now).total_seconds())
    if deliveries.is_behind(session, contact.id, entry_id, outbox.purpose):
        return NotYet(None)
    if not contact.address_encrypted:
        outbox.state, outbox.staff_note = OutboxState.SUPPRESSED, "the person asked to be forgotten"
        return None
    is_uncertain = outbox.state == OutboxState.SENDING
    if not is_uncertain:
        why_not = _why_not(session, core, outbox, entry, contact)
        if why_not is not None:
            log.warning("message not sent", entry_id=entry_id, reason=why_not)
            outbox.state, outbox.staff_note = OutboxState.SUPPRESSED, why_not
            return None
        slot = _slot(session, core, outbox, contact.channel, now)
        if slot > now:
            outbox.not_before = slot
            return NotYet((slot - now).total_seconds())
    uncertain_since = outbox.claimed_at if is_uncertain else None
    outbox.state, outbox.not_before = OutboxState.SENDING, None
    outbox.claimed_at = uncertain_since or now
    outbox.attempts += 1
    message = OutboundMessage(
        entry_id,
        core.addresses.decrypt(contact.address_encrypted),
        entry.text,
        options=tuple(outbox.options),
        is_prompt=outbox.purpose == Purpose.FOLLOW_UP,
    )
    return Claim(contact.channel, message, uncertain_since, entry.at)


def _why_not(session: Session, core: Core, outbox: Outbox, entry: ThreadEntry, contact: Contact) -> str | None:
    """What speaks against sending a message at all."""
    now = core.clock.now()
    if outbox.purpose in PROACTIVE:
        speaks_against = _why_not_unasked(session, contact, now)
        if speaks_against is not None:
            return speaks_against
    is_resent = outbox.provider_message_id is not None and outbox.purpose in _RESENT_IN_ORDER
    if is_resent and deliveries.was_overtaken(session, contact.id, outbox.entry_id):
        return "overtaken by a later reply"
    limits = core.sending_limits.get(contact.channel)
    if limits is None or outbox.purpose in _NEVER_LIMITED:
        return None
    lately = deliveries.sent_to_since(session, contact.id, now - AN_HOUR)
    if len(lately) >= limits.most_an_hour or lately.count(entry.text) >= limits.most_same_an_hour:
        note_alarm(session, core, TOO_MANY, f"{contact.id} {hour_of(now)}", entry_id=outbox.entry_id, count=len(lately))
        return "too many messages to one number within an hour"
    if outbox.purpose in PROACTIVE and _is_too_dear(session, core, contact.channel, limits, outbox.segments):
        note_alarm(session, core, SPENDING_LIMIT, f"{contact.channel} {day_of(now)}", channel=contact.channel)
        return "the day's spending limit is reached"
    return None


def _why_not_unasked(session: Session, contact: Contact, now: datetime) -> str | None:
    """What speaks against sending a person anything that they did not ask for just now."""
    if deliveries.is_unreachable(session, contact.id):
        return "nobody can be reached at this number"
    paused_until = repositories.conversation_of(session, contact).paused_until
    if paused_until is not None and paused_until > now:
        return "the person asked for a break"
    heard = repositories.last_heard_from(session, contact.id)
    if heard is not None and now - heard > NUMBER_MAY_BE_ANOTHERS_AFTER:
        return "not heard of for half a year, so the number may be somebody else's"
    return None


def _is_too_dear(session: Session, core: Core, channel: str, limits: SendingLimits, segments: int) -> bool:
    if limits.daily_pence is None:
        return False
    spent = deliveries.pence_since(session, channel, local_midnight(core.clock.now()))
    being_sent = limits.pence(deliveries.segments_being_sent(session, channel))
    return spent + being_sent + limits.pence(segments) > limits.daily_pence


def _slot(session: Session, core: Core, outbox: Outbox, channel: str, now: datetime) -> datetime:
    """When a message may leave. All of them count, but only what is unasked waits, and keeps the place that it got."""
    limits = core.sending_limits.get(channel)
    if limits is None or limits.per_second is None or outbox.not_before is not None:
        return now
    state = deliveries.lock_channel_state(session, channel)
    slot = max(now, state.next_free_at or now)
    state.next_free_at = slot + timedelta(seconds=1 / limits.per_second)
    return slot if outbox.purpose in PROACTIVE else now


def note_spending(core: Core) -> None:
    """Have staff told, once a day, of a channel whose spending has reached the day's limit, whatever it was spent on.

    Raises:
        StorageUnavailable: try again later.
    """
    now = core.clock.now()
    for channel, limits in core.sending_limits.items():
        if limits.daily_pence is None:
            continue
        with core.database.read() as session:
            spent = deliveries.pence_since(session, channel, local_midnight(now))
        if spent >= limits.daily_pence:
            with core.database.write() as session:
                note_alarm(session, core, SPENDING_LIMIT, f"{channel} {day_of(now)}", channel=channel)


def deliver(core: Core, senders: Mapping[str, MessageSender], entry_id: int, *, is_last_attempt: bool) -> Delivery:
    """Send one outbox message, unless somebody has or it must not be sent.

    Raises:
        StorageUnavailable: try again later; what the provider may have taken is looked up then.
    """
    return attempt(core, senders, entry_id, is_last_attempt=is_last_attempt).delivery


def attempt(core: Core, senders: Mapping[str, MessageSender], entry_id: int, *, is_last_attempt: bool) -> Attempt:
    """The same as deliver, and says when the next try is due.

    Raises:
        StorageUnavailable: try again later; what the provider may have taken is looked up then.
    """
    try:
        claimed = claim(core, entry_id)
    except NotYet as not_yet:
        if not_yet.again_in is None:
            return Attempt(Delivery.BEHIND)
        return Attempt(Delivery.WAITS, not_yet.again_in)
    if claimed is None:
        return Attempt(Delivery.NOTHING_TO_DO)
    sender = senders[claimed.channel]
    try:
        result = None
        if claimed.uncertain_since is not None:
            result = sender.find(claimed.message, claimed.uncertain_since)
        if result is None:
            result = sender.send(claimed.message)
    except SendError as error:
        return _after_failure(core, claimed, error, entry_id, is_last_attempt)
    record_sent(core, entry_id, result)
    return Attempt(Delivery.SENT)


def _after_failure(core: Core, claimed: Claim, error: SendError, entry_id: int, is_last_attempt: bool) -> Attempt:
    waits = error.again is Again.UNTIL_MENDED and core.clock.now() - claimed.written_at < UNTIL_MENDED_FOR
    is_final = not error.retryable or (is_last_attempt and not waits)
    log.warning("send failed", entry_id=entry_id, code=error.code, final=is_final)
    delivery = record_failed(core, entry_id, error, is_final=is_final)
    if delivery is not Delivery.AGAIN:
        return Attempt(delivery)
    if waits:
        return Attempt(Delivery.WAITS, error.retry_after_seconds or UNTIL_MENDED_SECONDS)
    return Attempt(delivery, error.retry_after_seconds)


def waiting_behind(core: Core, contact_id: str, entry_id: int) -> list[int]:
    """The messages of a person that waited for this one to be gone, in order.

    Raises:
        StorageUnavailable: try again later.
    """
    with core.database.read() as session:
        return deliveries.waiting_behind(session, contact_id, entry_id)


def record_sent(core: Core, entry_id: int, result: SendResult) -> None:
    """The provider has it.

    Raises:
        StorageUnavailable: the row stays marked as being sent and will be looked up at the provider.
    """
    with core.database.write() as session:
        outbox = session.get_one(Outbox, entry_id, with_for_update=True)
        contact = session.get_one(Contact, session.get_one(ThreadEntry, entry_id).contact_id)
        note_handed_over(session, core, outbox, contact.channel, result.provider_message_id)


def record_failed(core: Core, entry_id: int, error: SendError, *, is_final: bool) -> Delivery:
    """The provider does not have it. Not final: it goes back to the queue; final: staff must see it.

    An uncertain failure stays marked as being sent, so that the next attempt looks it up first. A provider that
    says the person has opted out is believed; it has then confirmed that to them itself, so our confirmation is
    no loss. Where a receipt has meanwhile said that the provider has it, that holds.

    Raises:
        StorageUnavailable: the row stays marked as being sent and will be looked up at the provider.
    """
    with core.database.write() as session:
        outbox = session.get_one(Outbox, entry_id, with_for_update=True)
        if outbox.state == OutboxState.SENT:
            return Delivery.SENT
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
        note_consequences(session, core, outbox, error, is_final=is_final and not confirmed_by_provider)
        if confirmed_by_provider:
            return Delivery.NOTHING_TO_DO
        return Delivery.FAILED if is_final else Delivery.AGAIN
