"""Deleting what a person told us. Every function works in the caller's transaction."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from helpline.domain.messages import OutboxState
from helpline.storage.models import (
    CaseEvidence,
    Contact,
    DangerCase,
    JoinCode,
    Outbox,
    ServiceRating,
    ThreadEntry,
    TurnRecord,
)


def erase_words(session: Session, contact_id: str, but: int | None = None) -> None:
    """Empty a contact's messages and what was said to them, but not one entry, nor what is evidence in a case."""
    kept = (
        select(CaseEvidence.entry_id)
        .union(select(CaseEvidence.reply_entry_id).where(CaseEvidence.reply_entry_id.is_not(None)))
        .subquery()
    )
    theirs = (
        select(ThreadEntry.id)
        .where(
            ThreadEntry.contact_id == contact_id,
            ThreadEntry.id.not_in(select(kept.c[0])),
            ThreadEntry.id != (but or 0),
        )
        .scalar_subquery()
    )
    session.execute(
        update(Outbox)
        .where(Outbox.entry_id.in_(theirs), Outbox.state == OutboxState.QUEUED)
        .values(state=OutboxState.SUPPRESSED, staff_note="the person asked to be forgotten")
    )
    session.execute(update(Outbox).where(Outbox.entry_id.in_(theirs)).values(options=[]))
    session.execute(update(TurnRecord).where(TurnRecord.entry_id.in_(theirs)).values(reply_text=None, reply_options=[]))
    session.execute(update(ServiceRating).where(ServiceRating.entry_id.in_(theirs)).values(words=None))
    session.execute(update(ThreadEntry).where(ThreadEntry.id.in_(theirs)).values(text=""))
    code = session.get(JoinCode, contact_id)
    if code is not None:
        session.delete(code)
    session.flush()
    session.expire_all()


def contacts_to_forget(session: Session, now: datetime, most: int) -> Sequence[Contact]:
    """Those whose address is to go now: who asked for it, and have no open case."""
    has_case = select(DangerCase.id).where(DangerCase.contact_id == Contact.id, DangerCase.state == "open").exists()
    return session.scalars(
        select(Contact).where(Contact.forget_at <= now, ~has_case).order_by(Contact.id).limit(most).with_for_update()
    ).all()


def erase_address(session: Session, contact: Contact) -> None:
    """Empty an address, and where its person lives in their closed cases.

    Nobody is found by it any more, unless they ended our texts: then we still know not to write to them.
    """
    session.execute(update(DangerCase).where(DangerCase.contact_id == contact.id).values(district=None))
    contact.address_encrypted, contact.forget_at = "", None
    if contact.opted_out_at is None:
        contact.address_hash = secrets.token_hex(32)
