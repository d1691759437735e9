"""Putting a reply into the outbox: worded for the channel, counted, once for each purpose."""

from datetime import datetime

from helpline.domain.messages import OutboxState, Purpose, Reply
from helpline.domain.sms import MOST_SEGMENTS, pages, segments, to_gsm7
from helpline.services.core import Core
from helpline.storage import repositories
from helpline.storage.engine import Session
from helpline.storage.models import Contact, Inbound, Outbox, ThreadEntry


def put_in_outbox(
    session: Session,
    core: Core,
    contact: Contact,
    reply: Reply,
    *,
    in_reply_to: int | None,
    purpose: Purpose,
    now: datetime,
) -> int:
    """Queue a reply and give its entry id; a repeat for the same message and purpose gives the first one's id.

    A text is put into GSM-7 and cut at three segments: a fourth would cost more and arrive in pieces. The first
    message that a person ever gets says who we are and that this is no emergency service.
    """
    if in_reply_to is not None:
        existing = repositories.find_outbox(session, in_reply_to, purpose)
        if existing is not None:
            return existing.entry_id
    text = reply.text
    if not reply.in_its_letters:
        text = _with_late_lead(session, core, contact, text, in_reply_to, purpose)
    if core.form_of(contact.channel) == "sms" and not reply.in_its_letters:
        text = to_gsm7(_with_first_contact_lead(session, core, contact, text, purpose))
        text = pages(text, most_segments=MOST_SEGMENTS)[0]
    counted = segments(text)
    entry = ThreadEntry(contact_id=contact.id, direction="out", text=text, at=now)
    session.add(entry)
    session.flush()
    session.add(
        Outbox(
            entry_id=entry.id,
            in_reply_to=in_reply_to,
            purpose=purpose,
            options=list(reply.options),
            segments=counted.count,
            encoding=counted.encoding,
            state=OutboxState.QUEUED,
        )
    )
    session.flush()
    return entry.id


def _with_first_contact_lead(session: Session, core: Core, contact: Contact, text: str, purpose: Purpose) -> str:
    if purpose is not Purpose.REPLY or repositories.has_been_written_to(session, contact):
        return text
    lead = core.say("first-contact-lead", "sms")
    whole = f"{lead} {text}"
    return whole if segments(to_gsm7(whole)).count <= MOST_SEGMENTS else text


def _with_late_lead(
    session: Session, core: Core, contact: Contact, text: str, in_reply_to: int | None, purpose: Purpose
) -> str:
    """A reply to a message that reached us late says so, if there is room; who waited for it was told already."""
    if purpose is not Purpose.REPLY or in_reply_to is None:
        return text
    form = core.form_of(contact.channel)
    lead = core.say("late-answer-lead", form, repositories.conversation_of(session, contact).authority)
    inbound = session.get(Inbound, in_reply_to)
    if inbound is None or not inbound.late or text.startswith(lead):
        return text
    whole = f"{lead} {text}" if form == "sms" else f"{lead}\n\n{text}"
    return whole if form != "sms" or segments(to_gsm7(whole)).count <= MOST_SEGMENTS else text
