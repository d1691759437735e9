"""Looking at what the services left in the database."""

from dataclasses import dataclass

from sqlalchemy import select

from helpline.services.core import Core
from helpline.storage import repositories
from helpline.storage.models import (
    CaseEvidence,
    Contact,
    Conversation,
    DangerCase,
    Feedback,
    Inbound,
    Outbox,
    ThreadEntry,
    TurnRecord,
)
from tests.fakes import PHONE


@dataclass(frozen=True)
class Sent:
    """One row of the outbox with its words."""

    entry_id: int
    text: str
    purpose: str
    state: str
    in_reply_to: int | None
    segments: int
    encoding: str
    staff_note: str | None
    error_code: str | None
    provider_message_id: str | None


def outbox(core: Core) -> list[Sent]:
    with core.database.read() as session:
        rows = session.execute(
            select(Outbox, ThreadEntry.text)
            .join(ThreadEntry, ThreadEntry.id == Outbox.entry_id)
            .order_by(Outbox.entry_id)
        ).all()
        return [
            Sent(
                row.entry_id,
                text,
                row.purpose,
                row.state,
                row.in_reply_to,
                row.segments,
                row.encoding,
                row.staff_note,
                row.error_code,
                row.provider_message_id,
            )
            for row, text in rows
        ]


def texts(core: Core) -> list[str]:
    return [row.text for row in outbox(core)]


def all_of[Row](core: Core, model: type[Row]) -> list[Row]:
    with core.database.read() as session:
        return list(session.scalars(select(model)))


def inbound(core: Core, message_id: int) -> Inbound:
    with core.database.read() as session:
        return session.get_one(Inbound, message_id)


def stored_text(core: Core, message_id: int) -> str:
    with core.database.read() as session:
        return session.get_one(ThreadEntry, message_id).text


def contact(core: Core, channel: str = "sms", address: str = PHONE) -> Contact:
    with core.database.read() as session:
        found = repositories.find_contact(session, core.addresses, channel, address)
        assert found is not None
        return found


def conversation(core: Core, channel: str = "sms", address: str = PHONE) -> Conversation:
    conversation_id = contact(core, channel, address).conversation_id
    with core.database.read() as session:
        return session.get_one(Conversation, conversation_id)


def cases(core: Core) -> list[DangerCase]:
    return all_of(core, DangerCase)


def evidence(core: Core) -> list[CaseEvidence]:
    return all_of(core, CaseEvidence)


def feedback(core: Core) -> list[Feedback]:
    return all_of(core, Feedback)


def turn_records(core: Core) -> list[TurnRecord]:
    return all_of(core, TurnRecord)
