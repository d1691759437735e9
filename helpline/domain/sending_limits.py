"""What sending may cost and how fast it may go, and when a message that failed is tried again.

Replies and safety replies are never stopped by cost or by pace; what nobody asked for is.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from helpline.domain.messages import Again, Purpose

# What we send unasked.
PROACTIVE = frozenset({Purpose.FOLLOW_UP})
# Said again hours later these would only confuse.
NEVER_RESENT = frozenset({Purpose.HOLDING, Purpose.CONTROL})
# A prompt is worth nothing when it comes in the evening instead of the morning.
PROMPT_VALID_FOR = timedelta(hours=4)

# Networks give a number that nobody uses to somebody else after some months.
NUMBER_MAY_BE_ANOTHERS_AFTER = timedelta(days=183)

LONGEST_RETRY = timedelta(hours=24)
# How long after each failure the next try comes.
_WITHIN_A_DAY = tuple(timedelta(minutes=minutes) for minutes in (15, 60, 180, 360, 360))
_A_FEW_TIMES = tuple(timedelta(minutes=minutes) for minutes in (2, 15, 60))

EARLIEST_UNASKED, LATEST_UNASKED = time(9, 0), time(20, 0)


@dataclass(frozen=True)
class SendingLimits:
    """The limits of one channel.

    pence_per_segment: what one part costs. daily_pence: when as much as that was spent on one day, nothing more is
    sent unasked; None for no limit. per_second: how many messages leave in a second before what is unasked waits;
    None for no limit. most_an_hour and most_same_an_hour: to one person. The UK networks block a sender that gives one
    number 100 texts, or 20 of the same words, within an hour (GOV.UK Notify, technical documentation, limits).
    """

    pence_per_segment: float = 0.0
    daily_pence: float | None = None
    per_second: float | None = None
    most_an_hour: int = 60
    most_same_an_hour: int = 15

    def pence(self, segments: int) -> float:
        """What a message of so many parts costs."""
        return segments * self.pence_per_segment


def next_try(
    again: Again, purpose: Purpose, failures: int, first_sent_at: datetime, now: datetime, zone: ZoneInfo
) -> datetime | None:
    """When a message that the network did not deliver is sent again; None for never.

    failures: how often it was not delivered, this time among them. What is unasked is only ever sent by day (zone is
    the person's), and nothing is sent later than a day after it was first sent.
    """
    if again is Again.NEVER or purpose in NEVER_RESENT:
        return None
    table = _A_FEW_TIMES if again is Again.A_FEW_TIMES else _WITHIN_A_DAY
    if failures > len(table):
        return None
    moment = now + table[failures - 1]
    if purpose in PROACTIVE:
        moment = _by_day(moment, zone)
    return moment if moment - first_sent_at <= LONGEST_RETRY else None


def _by_day(moment: datetime, zone: ZoneInfo) -> datetime:
    local = moment.astimezone(zone)
    if EARLIEST_UNASKED <= local.time() < LATEST_UNASKED:
        return moment
    day = local.date() + timedelta(days=1 if local.time() >= LATEST_UNASKED else 0)
    return datetime.combine(day, EARLIEST_UNASKED, zone).astimezone(UTC)
