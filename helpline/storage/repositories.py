"""Finding and adding rows. Every function works in the caller's transaction."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from helpline.domain.messages import InboundMessage, InboundState, Purpose
from helpline.storage.addresses import AddressBook
from helpline.storage.models import (
    CaseEvidence,
    CaseReading,
    Contact,
    Conversation,
    DangerCase,
    Inbound,
    Outbox,
    ThreadEntry,
)


def find_inbound(session: Session, channel: str, provider_id: str) -> Inbound | None:
    """The message that the provider calls by this id, if we have it."""
    return session.scalar(select(Inbound).where(Inbound.channel == channel, Inbound.provider_id == provider_id))


def find_contact(session: Session, addresses: AddressBook, channel: str, address: str) -> Contact | None:
    """The person at an address, if we have heard from them."""
    by_hash = addresses.find_by(channel, address)
    return session.scalar(select(Contact).where(Contact.channel == channel, Contact.address_hash == by_hash))


def find_or_add_contact(
    session: Session, addresses: AddressBook, channel: str, address: str, now: datetime
) -> tuple[Contact, Conversation]:
    """The person at an address, locked for this transaction, with their conversation."""
    by_hash = addresses.find_by(channel, address)
    contact = session.scalar(
        select(Contact).where(Contact.channel == channel, Contact.address_hash == by_hash).with_for_update()
    )
    if contact is not None:
        if not contact.address_encrypted:
            contact.address_encrypted = addresses.encrypt(address)
        return contact, conversation_of(session, contact)
    conversation = new_conversation(session, now)
    contact = Contact(
        id=uuid.uuid4().hex,
        channel=channel,
        address_hash=by_hash,
        address_encrypted=addresses.encrypt(address),
        created_at=now,
        conversation_id=conversation.id,
    )
    session.add(contact)
    session.flush()
    return contact, conversation


def lock_contact(session: Session, contact_id: str) -> tuple[Contact, Conversation]:
    """A person and their conversation, locked for this transaction."""
    contact = session.get_one(Contact, contact_id, with_for_update=True)
    return contact, conversation_of(session, contact)


def conversation_of(session: Session, contact: Contact) -> Conversation:
    """Where a person is in the talk, locked: another of their channels may be writing too."""
    return session.get_one(Conversation, contact.conversation_id, with_for_update=True)


def new_conversation(session: Session, now: datetime) -> Conversation:
    """A talk that begins now, and that knows nothing yet."""
    conversation = Conversation(id=uuid.uuid4().hex, assistant_id=uuid.uuid4().hex, began_at=now)
    session.add(conversation)
    session.flush()
    return conversation


def contacts_in(session: Session, conversation_id: str) -> Sequence[Contact]:
    """The contacts of one person, first met first."""
    return session.scalars(
        select(Contact).where(Contact.conversation_id == conversation_id).order_by(Contact.created_at, Contact.id)
    ).all()


def start_afresh(session: Session, contact: Contact, now: datetime) -> Conversation:
    """A contact begins a new conversation, alone, and nothing of the one before is known in it.

    An open case that came of the one before keeps where its person lives: whoever helps has to know.
    """
    left = session.get_one(Conversation, contact.conversation_id)
    for case in open_cases_of(session, contact.id):
        if case.last_evidence_at >= left.began_at:
            case.district = left.district or case.district
    conversation = new_conversation(session, now)
    contact.conversation_id, contact.joined_at = conversation.id, None
    session.flush()
    drop_if_empty(session, left)
    return conversation


def drop_if_empty(session: Session, conversation: Conversation) -> None:
    """Delete a conversation that no contact is in any more."""
    if not contacts_in(session, conversation.id):
        session.delete(conversation)
        session.flush()


def _same_person(contact_id: str) -> Select[str]:
    """The ids of all contacts of the person who has this one."""
    theirs = select(Contact.conversation_id).where(Contact.id == contact_id).scalar_subquery()
    return select(Contact.id).where(Contact.conversation_id == theirs)


def add_inbound(session: Session, contact: Contact, message: InboundMessage, now: datetime) -> Inbound:
    """Store a message. Raises sqlalchemy.exc.IntegrityError if another process stored it first."""
    entry = ThreadEntry(contact_id=contact.id, direction="in", text=message.text, at=now)
    session.add(entry)
    session.flush()
    inbound = Inbound(
        entry_id=entry.id,
        channel=message.channel,
        provider_id=message.provider_id,
        media=list(message.media),
        state=InboundState.RECEIVED,
        late=message.late,
    )
    session.add(inbound)
    session.flush()
    return inbound


def recent_inbound_texts(session: Session, contact_id: str, before: int, since: datetime, most: int) -> list[str]:
    """The person's last messages before an entry, oldest first."""
    rows = session.scalars(
        select(ThreadEntry.text)
        .where(
            ThreadEntry.contact_id == contact_id,
            ThreadEntry.direction == "in",
            ThreadEntry.id < before,
            ThreadEntry.at >= since,
        )
        .order_by(ThreadEntry.id.desc())
        .limit(most)
    ).all()
    return list(reversed(rows))


def said_before(session: Session, contact_id: str, text: str, before: int, since: datetime) -> Sequence[datetime]:
    """When a contact sent these very words before an entry, oldest first."""
    return session.scalars(
        select(ThreadEntry.at)
        .where(
            ThreadEntry.contact_id == contact_id,
            ThreadEntry.direction == "in",
            ThreadEntry.id < before,
            ThreadEntry.at >= since,
            ThreadEntry.text == text,
        )
        .order_by(ThreadEntry.id)
    ).all()


def has_been_written_to(session: Session, contact: Contact) -> bool:
    """Whether anything was put in the outbox for a contact since their conversation began."""
    began_at = select(Conversation.began_at).where(Conversation.id == contact.conversation_id).scalar_subquery()
    found = session.scalar(
        select(ThreadEntry.id)
        .where(ThreadEntry.contact_id == contact.id, ThreadEntry.direction == "out", ThreadEntry.at >= began_at)
        .limit(1)
    )
    return found is not None


def last_heard_from(session: Session, contact_id: str) -> datetime | None:
    """When a contact wrote last; None if they never did."""
    return session.scalar(
        select(ThreadEntry.at)
        .where(ThreadEntry.contact_id == contact_id, ThreadEntry.direction == "in")
        .order_by(ThreadEntry.id.desc())
        .limit(1)
    )


def find_outbox(session: Session, in_reply_to: int, purpose: Purpose) -> Outbox | None:
    """The outbox row of one purpose for one inbound message."""
    return session.scalar(select(Outbox).where(Outbox.in_reply_to == in_reply_to, Outbox.purpose == purpose))


def last_reply_text(session: Session, contact: Contact, began_at: datetime, before: int) -> str | None:
    """What was last said to a contact in answer to something, since their conversation began."""
    return session.scalar(
        select(ThreadEntry.text)
        .join(Outbox, Outbox.entry_id == ThreadEntry.id)
        .where(
            ThreadEntry.contact_id == contact.id,
            ThreadEntry.at >= began_at,
            ThreadEntry.id < before,
            Outbox.purpose.in_([Purpose.REPLY, Purpose.SAFETY, Purpose.CONTROL]),
        )
        .order_by(ThreadEntry.id.desc())
        .limit(1)
    )


def oldest_unanswered(session: Session, contact_id: str, up_to: int) -> Inbound | None:
    """The first message of a person that still waits for its turn."""
    return session.scalar(
        select(Inbound)
        .join(ThreadEntry, ThreadEntry.id == Inbound.entry_id)
        .where(
            ThreadEntry.contact_id == contact_id,
            Inbound.state == InboundState.RECEIVED,
            Inbound.entry_id <= up_to,
        )
        .order_by(Inbound.entry_id)
        .limit(1)
    )


def find_open_case(session: Session, contact_id: str, kind: str) -> DangerCase | None:
    """The open case of this person and kind; the oldest, where two channels had one each before they were joined."""
    return session.scalar(
        select(DangerCase)
        .where(DangerCase.contact_id.in_(_same_person(contact_id)), DangerCase.kind == kind, DangerCase.state == "open")
        .order_by(DangerCase.id)
        .limit(1)
    )


def open_case(session: Session, contact_id: str, kind: str, now: datetime) -> tuple[DangerCase, bool]:
    """The open case of this person and kind, and whether it is new."""
    case = find_open_case(session, contact_id, kind)
    if case is not None:
        return case, False
    case = DangerCase(contact_id=contact_id, kind=kind, opened_at=now, last_evidence_at=now)
    session.add(case)
    session.flush()
    return case, True


def open_cases_of(session: Session, contact_id: str) -> Sequence[DangerCase]:
    """A person's open cases, on whichever channel they told of danger."""
    return session.scalars(
        select(DangerCase).where(DangerCase.contact_id.in_(_same_person(contact_id)), DangerCase.state == "open")
    ).all()


def kinds_ever_of(session: Session, contact_id: str) -> set[str]:
    """The kinds of danger that a person ever told of, in open cases and closed ones."""
    return set(
        session.scalars(select(DangerCase.kind).where(DangerCase.contact_id.in_(_same_person(contact_id)))).all()
    )


def case_of_reply(session: Session, reply_entry_id: int) -> DangerCase | None:
    """The case in which a safety reply was sent."""
    return session.scalar(
        select(DangerCase)
        .join(CaseEvidence, CaseEvidence.case_id == DangerCase.id)
        .where(CaseEvidence.reply_entry_id == reply_entry_id)
    )


def last_evidence(session: Session, case_id: int) -> CaseEvidence:
    """The newest message of a case. Raises sqlalchemy.exc.NoResultFound if it has none."""
    return session.scalars(
        select(CaseEvidence).where(CaseEvidence.case_id == case_id).order_by(CaseEvidence.entry_id.desc()).limit(1)
    ).one()


def cases_due_for_alert(session: Session, now: datetime, most: int) -> Sequence[DangerCase]:
    """Open cases of which staff are to be told now: urgent, never told of, surest, and oldest first."""
    return session.scalars(
        select(DangerCase)
        .where(DangerCase.state == "open", DangerCase.alert_due_at <= now)
        .order_by(DangerCase.urgent.desc(), DangerCase.alerts_raised > 0, DangerCase.tier, DangerCase.id)
        .limit(most)
    ).all()


def cases_due_for_follow_up(session: Session, now: datetime, most: int) -> Sequence[DangerCase]:
    """Cases whose person is to be asked now how they are."""
    return session.scalars(
        select(DangerCase).where(DangerCase.follow_up_due_at <= now).order_by(DangerCase.id).limit(most)
    ).all()


def open_cases_with_counts(session: Session) -> Sequence[tuple[DangerCase, int]]:
    """Every open case with the number of its messages: what went wrong first, unseen before seen, surest, oldest."""
    rows = session.execute(
        select(DangerCase, func.count(CaseEvidence.entry_id))
        .outerjoin(CaseEvidence, CaseEvidence.case_id == DangerCase.id)
        .where(DangerCase.state == "open")
        .group_by(DangerCase.id)
        .order_by(DangerCase.urgent.desc(), DangerCase.acknowledged_at.is_not(None), DangerCase.tier, DangerCase.id)
    ).all()
    return [(row[0], row[1]) for row in rows]


def evidence_of(session: Session, case_id: int) -> Sequence[CaseEvidence]:
    """The messages that opened a case or added to it, oldest first."""
    return session.scalars(
        select(CaseEvidence).where(CaseEvidence.case_id == case_id).order_by(CaseEvidence.entry_id)
    ).all()


def readings_of(session: Session, case_id: int) -> Sequence[CaseReading]:
    """Who read a case, first reader first."""
    return session.scalars(select(CaseReading).where(CaseReading.case_id == case_id).order_by(CaseReading.id)).all()


def entries_between(
    session: Session, contact_ids: Sequence[str], since: datetime, until: datetime, most: int
) -> Sequence[ThreadEntry]:
    """What was said by and to some contacts between two moments: the last of it, oldest first."""
    last = session.scalars(
        select(ThreadEntry)
        .where(ThreadEntry.contact_id.in_(contact_ids), ThreadEntry.at >= since, ThreadEntry.at <= until)
        .order_by(ThreadEntry.id.desc())
        .limit(most)
    ).all()
    return list(reversed(last))


def add_evidence(session: Session, evidence: CaseEvidence) -> None:
    """Tie a message to its case."""
    session.add(evidence)
    session.flush()


def waiting_inbound(session: Session, older_than: datetime, most: int) -> Sequence[tuple[int, str]]:
    """Messages that were received before a moment and still wait: (entry id, contact id)."""
    rows = session.execute(
        select(Inbound.entry_id, ThreadEntry.contact_id)
        .join(ThreadEntry, ThreadEntry.id == Inbound.entry_id)
        .where(Inbound.state == InboundState.RECEIVED, ThreadEntry.at <= older_than)
        .order_by(Inbound.entry_id)
        .limit(most)
    ).all()
    return [(row[0], row[1]) for row in rows]


def thread_after(
    session: Session, contact: Contact, after: int, most: int
) -> Sequence[tuple[ThreadEntry, Inbound | None, Outbox | None]]:
    """A contact's thread after an entry and since their conversation began, in order, with what was received and sent.

    A channel that was joined to another's conversation keeps what was said on it before.
    """
    began_at = select(Conversation.began_at).where(Conversation.id == contact.conversation_id).scalar_subquery()
    rows = session.execute(
        select(ThreadEntry, Inbound, Outbox)
        .outerjoin(Inbound, Inbound.entry_id == ThreadEntry.id)
        .outerjoin(Outbox, Outbox.entry_id == ThreadEntry.id)
        .where(ThreadEntry.contact_id == contact.id, ThreadEntry.id > after, ThreadEntry.at >= began_at)
        .order_by(ThreadEntry.id)
        .limit(most)
    ).all()
    return [(row[0], row[1], row[2]) for row in rows]


def known_provider_ids(session: Session, channel: str, provider_ids: Sequence[str]) -> set[str]:
    """Those of a provider's ids whose messages we have."""
    found = session.scalars(
        select(Inbound.provider_id).where(Inbound.channel == channel, Inbound.provider_id.in_(provider_ids))
    )
    return set(found)


def latest_provider_ids(session: Session, channel: str, most: int) -> list[str]:
    """The provider's ids of the last messages of a channel, newest first."""
    rows = session.scalars(
        select(Inbound.provider_id).where(Inbound.channel == channel).order_by(Inbound.entry_id.desc()).limit(most)
    )
    return list(rows)
