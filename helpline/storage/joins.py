"""Codes that join channels, and the wrong ones that were tried. Every function works in the caller's transaction."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from helpline.storage.models import Contact, JoinCode, WrongJoinCode

LATELY = timedelta(hours=1)


def keep_code(
    session: Session, contact_id: str, code_hash: str, channel: str, good_until: datetime, now: datetime
) -> None:
    """Keep a contact's code in place of the one before. Old codes and old tries go."""
    session.execute(delete(JoinCode).where((JoinCode.contact_id == contact_id) | (JoinCode.good_until < now)))
    session.execute(delete(WrongJoinCode).where(WrongJoinCode.at < now - LATELY))
    session.add(JoinCode(contact_id=contact_id, code_hash=code_hash, channel=channel, good_until=good_until))
    session.flush()


def take_code(session: Session, code_hash: str, channel: str, now: datetime) -> Contact | None:
    """Whose code this is, if it is good, and meant for this channel. It is good once."""
    code = session.scalar(
        select(JoinCode)
        .where(JoinCode.code_hash == code_hash, JoinCode.channel == channel, JoinCode.good_until >= now)
        .with_for_update()
    )
    if code is None:
        return None
    contact = session.get_one(Contact, code.contact_id)
    session.delete(code)
    session.flush()
    return contact


def note_wrong(session: Session, contact_id: str, now: datetime) -> None:
    """Somebody sent a code that is none."""
    session.add(WrongJoinCode(contact_id=contact_id, at=now))
    session.flush()


def wrong_lately(session: Session, contact_id: str, now: datetime) -> tuple[int, int]:
    """How many wrong codes this contact sent in the last hour, and how many everybody did."""
    lately = select(func.count()).select_from(WrongJoinCode).where(WrongJoinCode.at > now - LATELY)
    by_one = session.scalar(lately.where(WrongJoinCode.contact_id == contact_id)) or 0
    return by_one, session.scalar(lately) or 0
