"""Alarms about the machine: noted with what they are about, raised once for each period by the sweep."""

from datetime import UTC, datetime, time

import structlog

from helpline.ports import AlertNotRaised, Alerts
from helpline.services.core import LOCAL_TIME, Core
from helpline.storage import deliveries
from helpline.storage.engine import Session
from helpline.storage.models import StaffAlarm

BATCH = 50
MOST_FAILED = 3

# What alarms are called. alerts.py has the words for them.
PROVIDER_FAULT = "provider-fault"
SPENDING_LIMIT = "spending-limit-reached"
NOT_DELIVERED = "message-not-delivered"
FOUND_LATE = "messages-found-late"
TOO_MANY = "too-many-messages"
NOT_ANSWERED = "message-not-answered"
MISSING = "updates-missing"
WRONG_CODES = "many-wrong-codes"
LOOP = "same-message-again-and-again"

log = structlog.get_logger("alarms")


def hour_of(moment: datetime) -> str:
    """The hour as a period, in UTC, so that the hour that comes twice in autumn is two."""
    return moment.strftime("%Y-%m-%dT%H")


def day_of(moment: datetime) -> str:
    """The day as a period, as people in Essex count it."""
    return moment.astimezone(LOCAL_TIME).date().isoformat()


def note_alarm(session: Session, core: Core, kind: str, period: str, **ids: str | int) -> None:
    """Have staff told, once for each kind and period, in the caller's transaction."""
    deliveries.add_alarm(session, StaffAlarm(kind=kind, period=period, ids=ids, noted_at=core.clock.now()))


def raise_due_alarms(core: Core, alerts: Alerts) -> int:
    """Tell staff of every alarm that they were not told of; how many that was.

    One that could not be raised is tried again by the next sweep. A process that dies between telling and noting that
    it told makes an alarm come twice, never not at all.

    Raises:
        StorageUnavailable: try again later.
    """
    with core.database.read() as session:
        due = [(alarm.id, alarm.kind, dict(alarm.ids)) for alarm in deliveries.alarms_to_raise(session, BATCH)]
    raised = failed = 0
    for alarm_id, kind, ids in due:
        try:
            alerts.raise_alert(kind, **ids)
        except AlertNotRaised as error:
            log.error("alert not raised", reason=str(error))
            failed += 1
            if failed == MOST_FAILED:
                break
            continue
        with core.database.write() as session:
            session.get_one(StaffAlarm, alarm_id).raised_at = core.clock.now()
        raised += 1
    return raised


def local_midnight(moment: datetime) -> datetime:
    """When the day of a moment began in Essex, in UTC."""
    day = moment.astimezone(LOCAL_TIME).date()
    return datetime.combine(day, time(), LOCAL_TIME).astimezone(UTC)
