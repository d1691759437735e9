"""What was handed to providers, and how far it got. Every function works in the caller's transaction."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy import Exists, exists, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import QueryableAttribute, Session, aliased

from helpline.domain.messages import OutboxState, Purpose
from helpline.storage.models import (
    ChannelState,
    Contact,
    DeliveryReceipt,
    Outbox,
    StaffAlarm,
    ThreadEntry,
    UnreachableContact,
)

# These go out at once, whatever waits before them.
_NEVER_BEHIND = (Purpose.SAFETY, Purpose.CONTROL)


def find_receipt(session: Session, channel: str, provider_message_id: str) -> DeliveryReceipt | None:
    """What we know of a message by its provider's id."""
    return session.scalar(
        select(DeliveryReceipt).where(
            DeliveryReceipt.channel == channel, DeliveryReceipt.provider_message_id == provider_message_id
        )
    )


def count_receipts(session: Session, entry_id: int) -> int:
    """How often a message was handed over."""
    return session.scalar(select(func.count()).where(DeliveryReceipt.entry_id == entry_id)) or 0


def first_handed_over_at(session: Session, entry_id: int) -> datetime | None:
    """When a message was first handed over."""
    return session.scalar(
        select(DeliveryReceipt.handed_over_at)
        .where(DeliveryReceipt.entry_id == entry_id, DeliveryReceipt.handed_over_at.is_not(None))
        .order_by(DeliveryReceipt.handed_over_at)
        .limit(1)
    )


def forget_unknown_receipts(session: Session, before: datetime, most: int) -> int:
    """Drop receipts of which nobody knows what they are about; how many that was."""
    unknown = session.scalars(
        select(DeliveryReceipt).where(DeliveryReceipt.entry_id.is_(None), DeliveryReceipt.first_at < before).limit(most)
    ).all()
    for receipt in unknown:
        session.delete(receipt)
    return len(unknown)


def pence_since(session: Session, channel: str, since: datetime) -> float:
    """What was spent on a channel since a moment."""
    spent = session.scalar(
        select(func.sum(DeliveryReceipt.pence)).where(
            DeliveryReceipt.channel == channel, DeliveryReceipt.handed_over_at >= since
        )
    )
    return spent or 0.0


def segments_being_sent(session: Session, channel: str) -> int:
    """How many parts are with a provider at this moment, or may be."""
    counted = session.scalar(
        select(func.sum(Outbox.segments))
        .join(ThreadEntry, ThreadEntry.id == Outbox.entry_id)
        .join(Contact, Contact.id == ThreadEntry.contact_id)
        .where(Outbox.state == OutboxState.SENDING, Contact.channel == channel)
    )
    return counted or 0


def sent_to_since(session: Session, contact_id: str, since: datetime) -> list[str]:
    """The texts that a person was sent since a moment."""
    return list(
        session.scalars(
            select(ThreadEntry.text)
            .join(Outbox, Outbox.entry_id == ThreadEntry.id)
            .where(ThreadEntry.contact_id == contact_id, Outbox.state == OutboxState.SENT, Outbox.sent_at >= since)
        )
    )


def was_overtaken(session: Session, contact_id: str, entry_id: int) -> bool:
    """Whether a person was sent a later reply than this message."""
    return bool(
        session.scalar(
            select(
                exists().where(
                    ThreadEntry.contact_id == contact_id,
                    ThreadEntry.id > entry_id,
                    Outbox.entry_id == ThreadEntry.id,
                    Outbox.state == OutboxState.SENT,
                    Outbox.purpose.in_([Purpose.REPLY, Purpose.SAFETY]),
                )
            )
        )
    )


def last_wrote_at(session: Session, contact_id: str) -> datetime | None:
    """When a person last wrote to us."""
    return session.scalar(
        select(ThreadEntry.at)
        .where(ThreadEntry.contact_id == contact_id, ThreadEntry.direction == "in")
        .order_by(ThreadEntry.id.desc())
        .limit(1)
    )


def count_failed_since(session: Session, contact_id: str, since: datetime | None) -> int:
    """How many messages to a person failed for good since a moment."""
    counted = (
        select(func.count())
        .select_from(Outbox)
        .join(ThreadEntry, ThreadEntry.id == Outbox.entry_id)
        .where(ThreadEntry.contact_id == contact_id, Outbox.state == OutboxState.FAILED)
    )
    if since is not None:
        counted = counted.where(ThreadEntry.at >= since)
    return session.scalar(counted) or 0


def is_unreachable(session: Session, contact_id: str) -> bool:
    """Whether nobody can be reached at a number, and its person has not written since that was found."""
    unreachable = session.get(UnreachableContact, contact_id)
    if unreachable is None:
        return False
    wrote_at = last_wrote_at(session, contact_id)
    return wrote_at is None or wrote_at <= unreachable.since


def mark_unreachable(session: Session, contact_id: str, code: str, now: datetime) -> None:
    """Nobody can be reached at this number."""
    unreachable = session.get(UnreachableContact, contact_id)
    if unreachable is None:
        session.add(UnreachableContact(contact_id=contact_id, since=now, error_code=code))
    else:
        unreachable.since, unreachable.error_code = now, code


def unreachable_contacts(session: Session) -> Sequence[UnreachableContact]:
    """Every number at which nobody can be reached, the newest first."""
    found = session.scalars(select(UnreachableContact).order_by(UnreachableContact.since.desc())).all()
    return [one for one in found if is_unreachable(session, one.contact_id)]


def _waits_before(entry_id: QueryableAttribute[int], contact_id: QueryableAttribute[str]) -> Exists:
    earlier, its_entry = aliased(Outbox), aliased(ThreadEntry)
    return (
        select(earlier.entry_id)
        .join(its_entry, its_entry.id == earlier.entry_id)
        .where(
            its_entry.contact_id == contact_id,
            earlier.entry_id < entry_id,
            earlier.state.in_([OutboxState.QUEUED, OutboxState.SENDING]),
            # It has been tried. What is under way for the first time is not waited for, nor is a message that the
            # provider took and a phone that was off did not get: that may be hours.
            earlier.error_code.is_not(None),
            earlier.provider_message_id.is_(None),
        )
        .exists()
    )


def is_behind(session: Session, contact_id: str, entry_id: int, purpose: str) -> bool:
    """Whether an earlier message to the same person is being tried again, so that this one must wait its turn."""
    if purpose in _NEVER_BEHIND:
        return False
    mine, entry = aliased(Outbox), aliased(ThreadEntry)
    found = session.scalar(
        select(mine.entry_id)
        .join(entry, entry.id == mine.entry_id)
        .where(
            mine.entry_id == entry_id,
            entry.contact_id == contact_id,
            _waits_before(mine.entry_id, entry.contact_id),
        )
    )
    return found is not None


def waiting_behind(session: Session, contact_id: str, entry_id: int) -> list[int]:
    """The messages of a person that wait for their turn after this one, in order."""
    return list(
        session.scalars(
            select(Outbox.entry_id)
            .join(ThreadEntry, ThreadEntry.id == Outbox.entry_id)
            .where(
                ThreadEntry.contact_id == contact_id,
                Outbox.entry_id > entry_id,
                Outbox.state == OutboxState.QUEUED,
                Outbox.not_before.is_(None),
            )
            .order_by(Outbox.entry_id)
        )
    )


def waiting_outbox(session: Session, older_than: datetime, now: datetime, most: int) -> Sequence[tuple[int, str]]:
    """Messages that have been in the outbox since a moment and may go now: (entry id, contact id), oldest first.

    Left out is what has a time that has not come yet, and what waits behind an earlier message to the same person.
    """
    rows = session.execute(
        select(Outbox.entry_id, ThreadEntry.contact_id)
        .join(ThreadEntry, ThreadEntry.id == Outbox.entry_id)
        .where(
            Outbox.state.in_([OutboxState.QUEUED, OutboxState.SENDING]),
            ThreadEntry.at <= older_than,
            or_(Outbox.not_before.is_(None), Outbox.not_before <= now),
            or_(Outbox.purpose.in_(_NEVER_BEHIND), ~_waits_before(Outbox.entry_id, ThreadEntry.contact_id)),
        )
        .order_by(Outbox.entry_id)
        .limit(most)
    ).all()
    return [(row[0], row[1]) for row in rows]


def lock_channel_state(session: Session, channel: str) -> ChannelState:
    """What is known of a channel as a whole, locked for this transaction."""
    state = session.get(ChannelState, channel, with_for_update=True)
    if state is None:
        with suppress(IntegrityError), session.begin_nested():
            session.add(ChannelState(channel=channel))
        state = session.get_one(ChannelState, channel, with_for_update=True)
    return state


def read_until(session: Session, channel: str) -> datetime | None:
    """Up to when a provider's list of messages was read."""
    return session.scalar(select(ChannelState.read_until).where(ChannelState.channel == channel))


def add_alarm(session: Session, alarm: StaffAlarm) -> None:
    """Keep an alarm, unless there is one of its kind and period."""
    there = select(StaffAlarm.id).where(StaffAlarm.kind == alarm.kind, StaffAlarm.period == alarm.period)
    if session.scalar(there) is None:
        # Another process may note the same at this moment.
        with suppress(IntegrityError), session.begin_nested():
            session.add(alarm)


def alarms_to_raise(session: Session, most: int) -> Sequence[StaffAlarm]:
    """Alarms of which nobody has been told, oldest first."""
    return session.scalars(
        select(StaffAlarm).where(StaffAlarm.raised_at.is_(None)).order_by(StaffAlarm.id).limit(most)
    ).all()
