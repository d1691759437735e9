"""What was made of a message, in one row: for replays and, later, for those who review conversations."""

from dataclasses import dataclass

from helpline.services.core import Core
from helpline.storage import repositories
from helpline.storage.models import CaseEvidence, Contact, DangerCase, Inbound, ThreadEntry, TurnRecord


@dataclass(frozen=True)
class TurnReview:
    """A message's understanding. intent: the assistant's, or what settled the message without it."""

    intent: str | None
    confidence: float | None
    topic: str | None
    answer: str | None
    danger: str | None
    district: str | None
    out_of_scope: bool
    opted_out: bool


def review_turn(core: Core, message_id: int) -> TurnReview:
    """What was made of an inbound message. Raises sqlalchemy.exc.NoResultFound for an unknown id."""
    with core.database.read() as session:
        entry = session.get_one(ThreadEntry, message_id)
        contact = session.get_one(Contact, entry.contact_id)
        inbound = session.get_one(Inbound, message_id)
        record = session.get(TurnRecord, message_id)
        evidence = session.get(CaseEvidence, message_id)
        case = session.get(DangerCase, evidence.case_id) if evidence else None
        return TurnReview(
            intent=record.intent if record else inbound.state_reason,
            confidence=record.confidence if record else None,
            topic=record.topic if record else None,
            answer=record.answer if record else None,
            danger=case.kind if case else None,
            district=repositories.conversation_of(session, contact).district,
            out_of_scope=record.out_of_scope if record else False,
            opted_out=contact.opted_out_at is not None,
        )
