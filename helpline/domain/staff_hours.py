"""When people of ours read messages: the truth that a reply about danger tells, and never more.

Written as "mon-fri 09:00-17:00; sat 10:00-12:00". English bank holidays are closed days.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

import holidays

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PART = re.compile(r"([a-z]{3})(?:-([a-z]{3}))?\s+(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")
_LOOK_AHEAD_DAYS = 22
_DAYS_BEFORE_A_NAME_IS_UNCLEAR = 6


class StaffHoursError(ValueError):
    """The opening hours cannot be read; the message says what is wrong and how they are written."""


@dataclass(frozen=True)
class StaffHours:
    """Opening hours by weekday (0 is Monday), in local time. No weekday: nobody ever reads."""

    by_weekday: Mapping[int, tuple[time, time]]

    @classmethod
    def parse(cls, written: str) -> "StaffHours":
        """Read written hours; nothing written means that nobody reads. Raises StaffHoursError."""
        hours: dict[int, tuple[time, time]] = {}
        for part in filter(None, (piece.strip().lower() for piece in written.split(";"))):
            found = _PART.fullmatch(part)
            try:
                if found is None:
                    raise ValueError
                first = _DAYS.index(found[1])
                last = _DAYS.index(found[2] or found[1])
                opens, closes = time(int(found[3]), int(found[4])), time(int(found[5]), int(found[6]))
            except ValueError:
                raise StaffHoursError(
                    f'"{part}" is not opening hours. Write them like this: mon-fri 09:00-17:00; sat 10:00-12:00'
                ) from None
            if last < first or closes <= opens:
                raise StaffHoursError(f'"{part}": the end comes before the beginning.')
            for weekday in range(first, last + 1):
                if weekday in hours:
                    raise StaffHoursError(f"{_DAYS[weekday]} has opening hours twice. Write each day once.")
                hours[weekday] = (opens, closes)
        return cls(hours)

    def opening(self, day: date) -> tuple[time, time] | None:
        """When it opens and closes on a day; None if it stays closed."""
        return None if day in _bank_holidays(day.year) else self.by_weekday.get(day.weekday())

    def read_by(self, now: datetime, within: timedelta) -> datetime | None:
        """The moment by which somebody reads what comes in now; None while closed or too near closing time."""
        today = self.opening(now.date())
        if today is None or not today[0] <= now.time() < today[1]:
            return None
        by = now + within
        return by if by.date() == now.date() and by.time() <= today[1] else None

    def next_opening(self, now: datetime) -> datetime | None:
        """When it opens next, or None if it never does."""
        for ahead in range(_LOOK_AHEAD_DAYS):
            day = now.date() + timedelta(days=ahead)
            hours = self.opening(day)
            opens = hours and datetime.combine(day, hours[0], now.tzinfo)
            if opens and opens > now:
                return opens
        return None


@dataclass(frozen=True)
class Staffing:
    """What the people behind the helpline have promised.

    read_within: while open, a message that shows danger is read within this time. acknowledge_within: a case that
    nobody has taken on is told again, and to more people, after this time.
    """

    hours: StaffHours = StaffHours({})
    read_within: timedelta = timedelta(hours=1)
    acknowledge_within: timedelta = timedelta(minutes=10)


@lru_cache(maxsize=8)
def _bank_holidays(year: int) -> holidays.HolidayBase:
    return holidays.country_holidays("GB", subdiv="ENG", years=year)


def clock_time(moment: time | datetime) -> str:
    """A time as we write it everywhere: 9am, 4.30pm, midday."""
    if (moment.hour, moment.minute) == (12, 0):
        return "midday"
    hour = moment.hour % 12 or 12
    minutes = f".{moment.minute:02d}" if moment.minute else ""
    return f"{hour}{minutes}{'am' if moment.hour < 12 else 'pm'}"


def day_name(day: date, today: date) -> str:
    """A coming day as people say it: "today", "tomorrow", "on Monday", and with its date when a week or more away."""
    ahead = (day - today).days
    if ahead <= 1:
        return ("today", "tomorrow")[ahead]
    name = f"on {_DAY_NAMES[day.weekday()]}"
    return name if ahead <= _DAYS_BEFORE_A_NAME_IS_UNCLEAR else f"{name} {day.day} {day:%B}"
