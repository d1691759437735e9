"""Cases of danger: opened with the message that shows it, told to staff until one of them has seen it, closed by staff.

Nothing that the person writes closes a case or puts an alert off.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import structlog

from helpline.domain.messages import Purpose, Reply
from helpline.domain.safety import SURE, Danger
from helpline.ports import AlertNotRaised, Alerts
from helpline.services.core import LOCAL_TIME, Core
from helpline.services.outgoing import put_in_outbox
from helpline.storage import repositories
from helpline.storage.engine import Session
from helpline.storage.models import CaseEvidence, Contact, DangerCase, Inbound

RECENT = timedelta(hours=24)
FOLLOW_UP_AT = time(11, 0)
FOLLOW_UP_AFTER = timedelta(hours=12)
FOLLOW_UP_STALE_AFTER = timedelta(hours=3)
BATCH = 100
MOST_FAILED_ALERTS = 3
ALERT_LEASE = timedelta(minutes=1)

FIRST_ALERT = "danger"
FURTHER_ALERT = "danger-not-acknowledged"

log = structlog.get_logger("cases")


class NoSuchCase(LookupError):
    """There is no open case of that number."""


@dataclass(frozen=True)
class CaseView:
    """A case as staff see it in a list: no words and no address."""

    id: int
    kind: str
    tier: int
    urgent: bool
    state: str
    opened_at: datetime
    last_evidence_at: datetime
    messages: int
    acknowledged_by: str | None
    alerts_raised: int
    opted_out: bool
    reply_refused: bool
    denied: bool


def note_danger(
    session: Session, core: Core, contact: Contact, inbound: Inbound, danger: Danger, reply_entry_id: int | None
) -> DangerCase:
    """Open a case, or add to the open one of this person and kind, in the caller's transaction.

    Staff are told (again) when the case is new, when danger is now sure, and when somebody had seen it already: what
    they saw is no longer all.
    """
    now = core.clock.now()
    case, is_new = repositories.open_case(session, contact.id, danger.kind, now)
    surer = danger.tier < case.tier
    case.tier = danger.tier if is_new else min(case.tier, danger.tier)
    case.last_evidence_at = now
    if is_new or surer or case.acknowledged_at is not None:
        _tell_staff(case, now)
    if danger.tier == SURE:
        case.denied_at = None
        case.follow_up_due_at = _follow_up_time(session, core, case, danger, now)
    repositories.add_evidence(
        session,
        CaseEvidence(
            entry_id=inbound.entry_id,
            case_id=case.id,
            tier=danger.tier,
            who=danger.who,
            rule=danger.rule,
            score=danger.score,
            reply_entry_id=reply_entry_id,
            at=now,
        ),
    )
    return case


def _tell_staff(case: DangerCase, now: datetime) -> None:
    case.acknowledged_at = case.acknowledged_by = None
    case.alert_due_at, case.alerts_raised = now, 0


def _follow_up_time(session: Session, core: Core, case: DangerCase, danger: Danger, now: datetime) -> datetime | None:
    """The next late morning that is half a day away; None where a text could do harm.

    Whoever reads the phone must not learn anything, so nobody gets one who ever told us of abuse, nor a person who
    wrote about somebody else.
    """
    kinds = repositories.kinds_ever_of(session, case.contact_id)
    if danger.who == "someone" or any(kind not in core.safety.follow_ups for kind in kinds):
        return None
    earliest = (now + FOLLOW_UP_AFTER).astimezone(LOCAL_TIME)
    day = earliest.date() + timedelta(days=1 if earliest.time() > FOLLOW_UP_AT else 0)
    return datetime.combine(day, FOLLOW_UP_AT, LOCAL_TIME).astimezone(UTC)


def recent_case(session: Session, core: Core, contact_id: str) -> DangerCase | None:
    """The open case of a person with the latest evidence, if that is from the last 24 hours."""
    since = core.clock.now() - RECENT
    recent = [case for case in repositories.open_cases_of(session, contact_id) if case.last_evidence_at >= since]
    return max(recent, key=lambda case: case.last_evidence_at, default=None)


def note_opt_out(session: Session, core: Core, contact_id: str) -> int | None:
    """The person ended all texts: every case with evidence of the last 24 hours says so, and staff are told at once.

    Gives the number of one of them; None if there is none.
    """
    now = core.clock.now()
    recent = [case for case in repositories.open_cases_of(session, contact_id) if case.last_evidence_at >= now - RECENT]
    for case in recent:
        case.opted_out_at, case.urgent = now, True
        _tell_staff(case, now)
    return recent[0].id if recent else None


def note_reply_refused(session: Session, core: Core, reply_entry_id: int) -> None:
    """The provider will never deliver a safety reply: the case comes first now, and staff are told at once."""
    case = repositories.case_of_reply(session, reply_entry_id)
    if case is not None and case.state == "open":
        now = core.clock.now()
        case.reply_refused_at, case.urgent = now, True
        _tell_staff(case, now)


def note_denial(core: Core, case: DangerCase) -> None:
    """The person answered our one question with no. That is written down, and closes nothing."""
    case.denied_at, case.follow_up_due_at = core.clock.now(), None


def raise_due_alerts(core: Core, alerts: Alerts) -> int:
    """Tell staff of every case that is due, worst first, and set when they are told again; how many that was.

    An alert that could not be raised stays due; one that was being raised when this process died is due again after a
    minute.

    Raises:
        StorageUnavailable: try again later.
    """
    with core.database.read() as session:
        due = [case.id for case in repositories.cases_due_for_alert(session, core.clock.now(), BATCH)]
    raised = failed = 0
    for case_id in due:
        alert = _claim_alert(core, case_id)
        if alert is None:
            continue
        try:
            alerts.raise_alert(FURTHER_ALERT if alert.before else FIRST_ALERT, **alert.ids)
        except AlertNotRaised as error:
            log.error("alert not raised", case_id=case_id, reason=str(error))
            _settle_alert(core, alert, raised=False)
            failed += 1
            # Each may have waited for a mail server; the next round of the sweep tries again.
            if failed == MOST_FAILED_ALERTS:
                break
            continue
        _settle_alert(core, alert, raised=True)
        raised += 1
    return raised


@dataclass(frozen=True)
class _Alert:
    case_id: int
    before: int
    claimed_until: datetime
    ids: Mapping[str, str | int]


def _claim_alert(core: Core, case_id: int) -> _Alert | None:
    """Keep others from raising the same alert for a minute; None if somebody else has, or it is not due any more."""
    with core.database.write() as session:
        now = core.clock.now()
        case = session.get(DangerCase, case_id, with_for_update=True)
        if case is None or case.state != "open" or case.alert_due_at is None or case.alert_due_at > now:
            return None
        case.alert_due_at = now + ALERT_LEASE
        ids: dict[str, str | int] = {
            "case_id": case.id,
            "danger": case.kind,
            "tier": case.tier,
            "urgent": int(case.urgent),
        }
        return _Alert(case.id, case.alerts_raised, case.alert_due_at, ids)


def _settle_alert(core: Core, alert: _Alert, *, raised: bool) -> None:
    with core.database.write() as session:
        case = session.get_one(DangerCase, alert.case_id, with_for_update=True)
        # Somebody may have seen it, or new evidence come, in the meantime.
        if case.alert_due_at != alert.claimed_until:
            return
        now = core.clock.now()
        case.alert_due_at = now + core.staffing.acknowledge_within if raised else now
        case.alerts_raised += raised


def acknowledge(core: Core, case_id: int, by: str) -> None:
    """Somebody has seen the case and is dealing with it; the alerts end. Raises NoSuchCase."""
    with core.database.write() as session:
        case = _open(session, case_id)
        case.acknowledged_at, case.acknowledged_by, case.alert_due_at = core.clock.now(), by, None


def close(core: Core, case_id: int, by: str, because: str) -> None:
    """Staff close a case. Raises NoSuchCase."""
    with core.database.write() as session:
        case = _open(session, case_id)
        case.state, case.closed_at, case.closed_by, case.closed_because = "closed", core.clock.now(), by, because
        case.alert_due_at = case.follow_up_due_at = None


def _open(session: Session, case_id: int) -> DangerCase:
    case = session.get(DangerCase, case_id, with_for_update=True)
    if case is None or case.state != "open":
        raise NoSuchCase(str(case_id))
    return case


def open_cases(core: Core) -> Sequence[CaseView]:
    """Every open case, what went wrong first, then the surest, then the oldest that nobody has seen."""
    with core.database.read() as session:
        return [
            CaseView(
                id=case.id,
                kind=case.kind,
                tier=case.tier,
                urgent=case.urgent,
                state=case.state,
                opened_at=case.opened_at,
                last_evidence_at=case.last_evidence_at,
                messages=messages,
                acknowledged_by=case.acknowledged_by,
                alerts_raised=case.alerts_raised,
                opted_out=case.opted_out_at is not None,
                reply_refused=case.reply_refused_at is not None,
                denied=case.denied_at is not None,
            )
            for case, messages in repositories.open_cases_with_counts(session)
        ]


def put_due_follow_ups(core: Core) -> list[tuple[int, str]]:
    """Put the follow-ups that are due into the outbox, once each; gives (outbox entry id, contact id) of each.

    Everything is looked at again here: a person who has ended the texts, a case that staff closed, or abuse told of
    since then gets none. One that is hours late is dropped, because it would come at a bad time.

    Raises:
        StorageUnavailable: try again later.
    """
    now = core.clock.now()
    with core.database.read() as session:
        due = [(case.id, case.contact_id) for case in repositories.cases_due_for_follow_up(session, now, BATCH)]
    sent = []
    for case_id, contact_id in due:
        with core.database.write() as session:
            contact, _ = repositories.lock_contact(session, contact_id)
            case = session.get_one(DangerCase, case_id, with_for_update=True)
            if case.follow_up_due_at is None or case.follow_up_due_at > now:
                continue
            late = now - case.follow_up_due_at
            # One message for a person, however many cases.
            for one in repositories.open_cases_of(session, contact_id):
                one.follow_up_due_at = None
            case.follow_up_due_at = None
            kinds = repositories.kinds_ever_of(session, contact_id)
            safe = case.state == "open" and all(kind in core.safety.follow_ups for kind in kinds)
            if not safe or contact.opted_out_at is not None or late > FOLLOW_UP_STALE_AFTER:
                continue
            reply = Reply(core.follow_up_text(case.kind, core.form_of(contact.channel)))
            outbox_id = put_in_outbox(
                session, core, contact, reply, in_reply_to=None, purpose=Purpose.FOLLOW_UP, now=now
            )
            sent.append((outbox_id, contact_id))
    return sent
