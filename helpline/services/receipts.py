"""Delivery receipts: how far a message got after the provider took it, and what follows where it did not arrive.

A receipt is applied once and only ever takes a message further (helpline/domain/receipts.py): late ones, doubled ones
and those in the wrong order change nothing, and of which nobody knows what they are about are kept for an hour.
"""

from datetime import datetime, timedelta

import structlog

from helpline.domain.messages import OutboxState, Purpose, SendError
from helpline.domain.receipts import FAILURES, DeliveryReport, Progress, is_further
from helpline.domain.sending_limits import next_try
from helpline.services.alarms import NOT_DELIVERED, PROVIDER_FAULT, hour_of, note_alarm
from helpline.services.cases import note_reply_refused
from helpline.services.core import LOCAL_TIME, Core
from helpline.storage import deliveries
from helpline.storage.engine import Session, StorageConflict
from helpline.storage.models import Contact, DeliveryReceipt, Outbox, ThreadEntry

UNKNOWN_KEPT_FOR = timedelta(hours=1)
FORGET_BATCH = 500
HARD_FAILURES_UNTIL_UNREACHABLE = 2

log = structlog.get_logger("receipts")


def apply_report(core: Core, report: DeliveryReport) -> bool:
    """Take a delivery receipt in; whether it said anything new.

    Raises:
        StorageUnavailable: nothing was changed; the provider is to send it again.
    """
    try:
        return _apply_once(core, report)
    except StorageConflict:
        # Another process stored the first thing that is known of this message between our look and our insert.
        return _apply_once(core, report)


def _apply_once(core: Core, report: DeliveryReport) -> bool:
    with core.database.write() as session:
        now = core.clock.now()
        # The outbox row first and then the receipt, as whoever records that a message was sent locks them too.
        outbox = _outbox_of(session, report)
        receipt = deliveries.find_receipt(session, report.channel, report.provider_message_id)
        is_first_word = receipt is None
        if receipt is None:
            receipt = DeliveryReceipt(
                channel=report.channel,
                provider_message_id=report.provider_message_id,
                progress=Progress.ACCEPTED,
                reports=0,
                first_at=now,
                progress_at=now,
            )
            session.add(receipt)
        receipt.reports += 1
        if outbox is None and receipt.entry_id is not None:
            outbox = session.get(Outbox, receipt.entry_id, with_for_update=True)
        if outbox is None:
            log.warning("receipt for an unknown message", channel=report.channel, status=report.progress.value)
        elif is_first_word and _may_be_of(outbox):
            # The provider has a message of which we did not know that it has it: the answer to our call was lost.
            note_handed_over(session, core, outbox, report.channel, report.provider_message_id)
        before = Progress(receipt.progress)
        if not is_further(report.progress, before):
            return False
        receipt.progress, receipt.progress_at = report.progress, now
        if report.failure is not None:
            receipt.error_code = receipt.error_code or report.failure.code
        if outbox is not None and outbox.provider_message_id == report.provider_message_id:
            if report.progress in FAILURES and before not in FAILURES:
                _not_delivered(session, core, outbox, report.failure)
            elif report.progress is Progress.DELIVERED:
                _delivered(outbox)
        return True


def _may_be_of(outbox: Outbox) -> bool:
    """Whether an id that we see for the first time may be that of this row: we have none for its last try."""
    if outbox.state == OutboxState.FAILED:
        return outbox.provider_message_id is None
    return outbox.state in (OutboxState.QUEUED, OutboxState.SENDING)


def _outbox_of(session: Session, report: DeliveryReport) -> Outbox | None:
    if report.entry_id is None:
        return None
    outbox = session.get(Outbox, report.entry_id, with_for_update=True)
    if outbox is None:
        return None
    contact_id = session.get_one(ThreadEntry, outbox.entry_id).contact_id
    return outbox if session.get_one(Contact, contact_id).channel == report.channel else None


def note_handed_over(session: Session, core: Core, outbox: Outbox, channel: str, provider_message_id: str) -> None:
    """The provider has a message: its row says so, and what it cost is counted once. In the caller's transaction."""
    now = core.clock.now()
    receipt = deliveries.find_receipt(session, channel, provider_message_id)
    if receipt is None:
        receipt = DeliveryReceipt(
            channel=channel,
            provider_message_id=provider_message_id,
            progress=Progress.ACCEPTED,
            reports=0,
            first_at=now,
            progress_at=now,
        )
        session.add(receipt)
    was_unknown = receipt.entry_id is None
    if was_unknown:
        receipt.entry_id = outbox.entry_id
    if receipt.handed_over_at is None:
        limits = core.sending_limits.get(channel)
        receipt.handed_over_at, receipt.segments = now, outbox.segments
        receipt.pence = limits.pence(outbox.segments) if limits else 0.0
    outbox.state, outbox.sent_at, outbox.not_before = OutboxState.SENT, now, None
    outbox.provider_message_id = provider_message_id
    outbox.error_code = outbox.staff_note = None
    session.flush()
    if was_unknown and Progress(receipt.progress) in FAILURES:
        _not_delivered(session, core, outbox, None)


def _delivered(outbox: Outbox) -> None:
    """It arrived after all: what was to be done because it had not is left undone."""
    if outbox.state in (OutboxState.QUEUED, OutboxState.FAILED):
        outbox.state = OutboxState.SENT
    outbox.not_before = None
    outbox.error_code = outbox.staff_note = None


def _not_delivered(session: Session, core: Core, outbox: Outbox, failure: SendError | None) -> None:
    if outbox.state != OutboxState.SENT:
        return
    now, purpose = core.clock.now(), Purpose(outbox.purpose)
    failure = failure or SendError(
        "not-delivered", retryable=False, ours=False, staff_note="The provider says that it did not arrive."
    )
    outbox.error_code, outbox.staff_note = failure.code, failure.staff_note
    if purpose is Purpose.SAFETY:
        # Also where it is tried again: whoever was in danger does not have it now.
        note_reply_refused(session, core, outbox.entry_id)
    tries = deliveries.count_receipts(session, outbox.entry_id)
    first = deliveries.first_handed_over_at(session, outbox.entry_id) or now
    again_at = next_try(failure.again, purpose, tries, first, now, LOCAL_TIME)
    if again_at is not None:
        outbox.state, outbox.not_before = OutboxState.QUEUED, again_at
    else:
        outbox.state = OutboxState.FAILED
        note_alarm(
            session, core, NOT_DELIVERED, f"entry {outbox.entry_id}", entry_id=outbox.entry_id, code=failure.code
        )
    log.warning("message not delivered", entry_id=outbox.entry_id, code=failure.code, final=again_at is None)
    note_consequences(session, core, outbox, failure, is_final=again_at is None)


def note_consequences(session: Session, core: Core, outbox: Outbox, failure: SendError, *, is_final: bool) -> None:
    """What a failure means beyond its message: an opt-out, a bad number, a fault that staff are called for.

    In the caller's transaction. A number is bad when the provider says so, or after two messages in a row that failed
    for good; its person writing again clears that.
    """
    now = core.clock.now()
    contact = session.get_one(Contact, session.get_one(ThreadEntry, outbox.entry_id).contact_id)
    if failure.opted_out:
        contact.opted_out_at = contact.opted_out_at or now
    if failure.pages:
        note_alarm(
            session, core, PROVIDER_FAULT, f"{failure.code} {hour_of(now)}", code=failure.code, entry_id=outbox.entry_id
        )
    session.flush()
    if failure.bad_number or _has_failed_repeatedly(session, contact.id, failure, is_final):
        deliveries.mark_unreachable(session, contact.id, failure.code, now)


def _has_failed_repeatedly(session: Session, contact_id: str, failure: SendError, is_final: bool) -> bool:
    if not is_final or failure.ours or failure.pages or failure.opted_out:
        return False
    since: datetime | None = deliveries.last_wrote_at(session, contact_id)
    return deliveries.count_failed_since(session, contact_id, since) >= HARD_FAILURES_UNTIL_UNREACHABLE


def forget_unknown_receipts(core: Core) -> int:
    """Drop receipts of which nobody has learnt in an hour what they are about; how many that was.

    Raises:
        StorageUnavailable: try again later.
    """
    before = core.clock.now() - UNKNOWN_KEPT_FOR
    with core.database.write() as session:
        forgotten = deliveries.forget_unknown_receipts(session, before, FORGET_BATCH)
    if forgotten:
        log.warning("receipts forgotten that belong to nothing", count=forgotten)
    return forgotten
