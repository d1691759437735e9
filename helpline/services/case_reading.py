"""Reading a case: what was said around its danger, and how to reach the person. Each reading is written down first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from helpline.services.cases import NoSuchCase
from helpline.services.core import Core
from helpline.storage import repositories
from helpline.storage.engine import Session
from helpline.storage.models import CaseReading, Contact, Conversation, DangerCase, ThreadEntry

BEFORE, AFTER = timedelta(hours=1), timedelta(hours=24)
MOST_ENTRIES = 60


@dataclass(frozen=True)
class SaidInCase:
    """One message around the danger. shows_danger: it is what opened the case or added to it."""

    at: datetime
    channel: str
    from_person: bool
    text: str
    shows_danger: bool


@dataclass(frozen=True)
class CaseWords:
    """What somebody reads who may: address is None where it is not known any more."""

    kind: str
    channel: str
    address: str | None
    district: str | None
    said: Sequence[SaidInCase]
    read_before_by: Sequence[str]


def read_case(core: Core, case_id: int, by: str, because: str) -> CaseWords:
    """The words of a case, of an hour before its danger and a day after, on every channel that the person joined.

    That it was read, by whom and why is stored in the same transaction, so that nothing is read without it.

    Raises:
        NoSuchCase: there never was such a case.
        StorageUnavailable: nothing was read.
    """
    with core.database.write() as session:
        case = session.get(DangerCase, case_id)
        if case is None:
            raise NoSuchCase(str(case_id))
        before = _readers(session, case_id)
        session.add(CaseReading(case_id=case_id, by=by, because=because, at=core.clock.now()))
        contact = session.get_one(Contact, case.contact_id)
        contacts = {one.id: one for one in repositories.contacts_in(session, contact.conversation_id)}
        evidence = {one.entry_id for one in repositories.evidence_of(session, case_id)}
        entries = repositories.entries_between(
            session, list(contacts), case.opened_at - BEFORE, case.last_evidence_at + AFTER, MOST_ENTRIES
        )
        return CaseWords(
            kind=case.kind,
            channel=contact.channel,
            address=core.addresses.decrypt(contact.address_encrypted) if contact.address_encrypted else None,
            district=_district(case, repositories.conversation_of(session, contact)),
            said=[_said(entry, contacts[entry.contact_id], evidence) for entry in entries],
            read_before_by=before,
        )


def _district(case: DangerCase, conversation: Conversation) -> str | None:
    """Where the person lives; not where whoever has their number now does."""
    is_theirs = case.last_evidence_at >= conversation.began_at
    return (conversation.district if is_theirs else None) or case.district


def _readers(session: Session, case_id: int) -> list[str]:
    return [reading.by for reading in repositories.readings_of(session, case_id)]


def _said(entry: ThreadEntry, contact: Contact, evidence: set[int]) -> SaidInCase:
    return SaidInCase(entry.at, contact.channel, entry.direction == "in", entry.text, entry.id in evidence)
