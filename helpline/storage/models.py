"""The tables. What a person said and was told is the thread; everything else hangs on it."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite keeps no time zone, so one is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store in UTC; a moment without a time zone is a mistake of ours."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment must have a time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read as UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The declarative base, with constraint names that migrations can address."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Contact(Base):
    """A person on one channel. The address is encrypted; address_hash (keyed) finds it.

    Contacts with the same conversation are the same person, who has shown it with a code; joined_at: when this one was
    joined to it. forget_at: when the address goes, because the person asked us to forget them; it is empty after that.
    """

    __tablename__ = "contact"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    channel: Mapped[str] = mapped_column(String(16))
    address_hash: Mapped[str] = mapped_column(String(64))
    address_encrypted: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    opted_out_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    conversation_id: Mapped[str] = mapped_column(String(32), index=True, server_default="-")
    joined_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    forget_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (UniqueConstraint("channel", "address_hash"),)


class Conversation(Base):
    """Where a person is in the talk, and where they live. assistant_id is all that Rasa ever knows of them.

    began_at: nothing that was said before it belongs to this conversation. authority: an authority's id, or "elsewhere"
    for who lives outside the area of all of them. paused_until: they are not written to first
    until then. expects is the question that was last asked and is still open. more_page counts the pages of the last
    answer's long form that were already given. holding_for is the message whose wait was last apologised for. search is
    the last search for services and what it showed; last_shown says whether the last thing shown was an answer or
    services. waiting_questions were asked together with one that was answered, and come with NEXT. about is who the
    talk is about. rights: whether a carer was told of their rights, and whether they refused to hear of them. answered:
    the answers that were given lately.
    """

    __tablename__ = "conversation"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    assistant_id: Mapped[str] = mapped_column(String(32), unique=True)
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    district: Mapped[str | None] = mapped_column(String(40))
    authority: Mapped[str | None] = mapped_column(String(16))
    paused_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    topic: Mapped[str | None] = mapped_column(String(64))
    answer: Mapped[str | None] = mapped_column(String(64))
    more_page: Mapped[int] = mapped_column(Integer, default=0)
    expects: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    answers_since_asked: Mapped[int] = mapped_column(Integer, default=0)
    misunderstood_in_a_row: Mapped[int] = mapped_column(Integer, default=0)
    holding_for: Mapped[int | None] = mapped_column(Integer)
    search: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    last_shown: Mapped[str | None] = mapped_column(String(10))
    waiting_questions: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    about: Mapped[str | None] = mapped_column(String(16))
    rights: Mapped[str | None] = mapped_column(String(10))
    answered: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))


class ThreadEntry(Base):
    """One message of a thread, in or out, in the order in which it came to be."""

    __tablename__ = "thread_entry"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    contact_id: Mapped[str] = mapped_column(ForeignKey("contact.id"))
    direction: Mapped[str] = mapped_column(String(3))
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "contact_id", "id"), {"sqlite_autoincrement": True})


class Inbound(Base):
    """What was received. (channel, provider_id) is unique for ever: nothing is handled twice.

    late: it was found at the provider after it should have come.
    """

    __tablename__ = "inbound"

    entry_id: Mapped[int] = mapped_column(ForeignKey("thread_entry.id"), primary_key=True)
    channel: Mapped[str] = mapped_column(String(16))
    provider_id: Mapped[str] = mapped_column(String(80))
    media: Mapped[list[str]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(16))
    state_reason: Mapped[str | None] = mapped_column(String(64))
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    late: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())

    __table_args__ = (UniqueConstraint("channel", "provider_id"), Index(None, "state"))


class Outbox(Base):
    """What is to be sent, and what became of it. One of each purpose for one inbound message.

    not_before: its place in the pace, or when it is tried again after the network did not deliver it.
    """

    __tablename__ = "outbox"

    entry_id: Mapped[int] = mapped_column(ForeignKey("thread_entry.id"), primary_key=True)
    in_reply_to: Mapped[int | None] = mapped_column(ForeignKey("thread_entry.id"))
    purpose: Mapped[str] = mapped_column(String(16))
    options: Mapped[list[str]] = mapped_column(JSON)
    segments: Mapped[int] = mapped_column(Integer)
    encoding: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(12))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    claimed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    provider_message_id: Mapped[str | None] = mapped_column(String(80))
    error_code: Mapped[str | None] = mapped_column(String(40))
    staff_note: Mapped[str | None] = mapped_column(Text)
    not_before: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (UniqueConstraint("in_reply_to", "purpose"), Index(None, "state"))


class TurnRecord(Base):
    """What the assistant made of an inbound message, and the reply that it led to, so that a repeat does nothing."""

    __tablename__ = "turn_record"

    entry_id: Mapped[int] = mapped_column(ForeignKey("thread_entry.id"), primary_key=True)
    intent: Mapped[str] = mapped_column(String(80))
    confidence: Mapped[float]
    topic: Mapped[str | None] = mapped_column(String(64))
    answer: Mapped[str | None] = mapped_column(String(64))
    answer_confidence: Mapped[float | None]
    out_of_scope: Mapped[bool]
    reply_text: Mapped[str | None] = mapped_column(Text)
    reply_options: Mapped[list[str]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class DangerCase(Base):
    """Somebody may be in danger. One open case for each person and kind; only staff close it.

    tier: the surest of its evidence. urgent: something went wrong that makes it worse, so it comes first. alert_due_at:
    when staff are to be told (again); none once somebody has seen it. denied_at: the person answered our question with
    no, which closes nothing. follow_up_due_at: when we ask how they are; none if that is not safe, or done. district:
    where the person lives, kept here when their conversation begins anew, because they asked to be forgotten or their
    number may have become somebody else's.
    """

    __tablename__ = "danger_case"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    contact_id: Mapped[str] = mapped_column(ForeignKey("contact.id"))
    kind: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(12), default="open")
    tier: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    urgent: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_evidence_at: Mapped[datetime] = mapped_column(UtcDateTime)
    alert_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    alerts_raised: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    acknowledged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    acknowledged_by: Mapped[str | None] = mapped_column(String(80))
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_by: Mapped[str | None] = mapped_column(String(80))
    closed_because: Mapped[str | None] = mapped_column(Text)
    opted_out_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reply_refused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    denied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    follow_up_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    district: Mapped[str | None] = mapped_column(String(40))

    __table_args__ = (
        Index(
            "uq_danger_case_one_open",
            "contact_id",
            "kind",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        {"sqlite_autoincrement": True},
    )


class CaseEvidence(Base):
    """A message that opened a case or added to it: which rule found it, how sure, and what was said back.

    score: how likely danger was held to be, where a statistical reader found it.
    """

    __tablename__ = "case_evidence"

    entry_id: Mapped[int] = mapped_column(ForeignKey("thread_entry.id"), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("danger_case.id"))
    tier: Mapped[int]
    who: Mapped[str] = mapped_column(String(12))
    rule: Mapped[str] = mapped_column(String(80))
    score: Mapped[float | None]
    reply_entry_id: Mapped[int | None] = mapped_column(ForeignKey("thread_entry.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "case_id"),)


class CaseReading(Base):
    """That somebody of the staff read the words of a case, and saw how to reach its person. Never deleted."""

    __tablename__ = "case_reading"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("danger_case.id"), index=True)
    by: Mapped[str] = mapped_column(String(80))
    because: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = ({"sqlite_autoincrement": True},)


class Feedback(Base):
    """Whether an answer helped, as the person said."""

    __tablename__ = "feedback"

    entry_id: Mapped[int] = mapped_column(ForeignKey("thread_entry.id"), primary_key=True)
    topic: Mapped[str] = mapped_column(String(64))
    answer: Mapped[str] = mapped_column(String(64))
    helped: Mapped[bool]
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class ServiceRating(Base):
    """What somebody said of a service that we had told them of. share: whether they want it passed on; None unasked."""

    __tablename__ = "service_rating"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("thread_entry.id"), unique=True)
    service_id: Mapped[str] = mapped_column(String(36), index=True)
    score: Mapped[int] = mapped_column(Integer)
    words: Mapped[str | None] = mapped_column(Text)
    share: Mapped[bool | None] = mapped_column(Boolean)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class DeliveryReceipt(Base):
    """One handing over of a message to its provider, and how far it has got since.

    entry_id is none for a receipt of which we do not know (yet) what it is about. progress only ever goes further.
    handed_over_at, segments and pence are set when we have recorded that the provider took it. reports: how often the
    provider has written to us about it.
    """

    __tablename__ = "delivery_receipt"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    channel: Mapped[str] = mapped_column(String(16))
    provider_message_id: Mapped[str] = mapped_column(String(80))
    entry_id: Mapped[int | None] = mapped_column(ForeignKey("outbox.entry_id"), index=True)
    progress: Mapped[str] = mapped_column(String(12))
    error_code: Mapped[str | None] = mapped_column(String(40))
    reports: Mapped[int] = mapped_column(Integer, default=0)
    first_at: Mapped[datetime] = mapped_column(UtcDateTime)
    progress_at: Mapped[datetime] = mapped_column(UtcDateTime)
    handed_over_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    segments: Mapped[int] = mapped_column(Integer, default=0)
    pence: Mapped[float] = mapped_column(default=0.0)

    __table_args__ = (UniqueConstraint("channel", "provider_message_id"),)


class UnreachableContact(Base):
    """A number at which nobody can be reached: nothing unasked is sent there until its person writes again."""

    __tablename__ = "unreachable_contact"

    contact_id: Mapped[str] = mapped_column(ForeignKey("contact.id"), primary_key=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    error_code: Mapped[str] = mapped_column(String(40))


class StaffAlarm(Base):
    """Something about the machine that staff are told of once for each period, such as a day. ids: never words."""

    __tablename__ = "staff_alarm"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(40))
    period: Mapped[str] = mapped_column(String(60))
    ids: Mapped[dict[str, Any]] = mapped_column(JSON)
    noted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    raised_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (UniqueConstraint("kind", "period"),)


class ChannelState(Base):
    """What is known of a channel as a whole: its place in the pace, and up to when its provider's list was read."""

    __tablename__ = "channel_state"

    channel: Mapped[str] = mapped_column(String(16), primary_key=True)
    next_free_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    read_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class JoinCode(Base):
    """A code that joins another channel to a person's conversation; kept as a keyed hash. channel: which it is for."""

    __tablename__ = "join_code"

    contact_id: Mapped[str] = mapped_column(ForeignKey("contact.id"), primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    channel: Mapped[str] = mapped_column(String(16))
    good_until: Mapped[datetime] = mapped_column(UtcDateTime)


class WrongJoinCode(Base):
    """A code that somebody sent and that was none."""

    __tablename__ = "wrong_join_code"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    contact_id: Mapped[str] = mapped_column(ForeignKey("contact.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
