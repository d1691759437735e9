"""The sentence that says when a person reads a message: true at every hour, and short enough for every reply."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from content.safety_schema import LONGEST_PEOPLE_READ
from helpline.domain.staff_hours import StaffHours, Staffing
from helpline.services.core import Core
from helpline.services.receiving import receive
from tests.fakes import SettableClock, new_message
from tests.services import rows

NOBODY_AT_ALL = "I am a machine and nobody is reading this now, so please ring, do not wait."


def staffed(core: Core, hours: str, read_within: timedelta = timedelta(hours=1)) -> Core:
    return replace(core, staffing=Staffing(StaffHours.parse(hours), read_within))


def by(when: str) -> str:
    return f"A person here reads this by {when} today. Do not wait for that: please ring."


def until(when: str) -> str:
    return f"Nobody reads this until {when}. Please ring, do not wait."


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("2026-11-23T08:59:59+00:00", until("9am today")),
        ("2026-11-23T09:00+00:00", by("10am")),
        ("2026-11-23T11:00+00:00", by("midday")),
        ("2026-11-23T16:00+00:00", by("5pm")),
        ("2026-11-23T16:01+00:00", until("9am tomorrow")),
        ("2026-11-27T20:00+00:00", until("9am on Monday")),
        ("2026-12-24T18:00+00:00", until("9am on Tuesday")),
        # The clock on the wall is an hour ahead in summer.
        ("2026-07-01T08:30+00:00", by("10.30am")),
        ("2026-07-01T23:30+00:00", until("9am today")),
    ],
)
def test_it_says_by_when_or_not_until_when_somebody_reads(
    core: Core, clock: SettableClock, now: str, said: str
) -> None:
    clock.moment = datetime.fromisoformat(now).astimezone(UTC)
    core = staffed(core, "mon-fri 09:00-17:00")
    assert core.people_read("sms") == core.people_read("chat") == said


def test_a_day_that_is_more_than_a_week_away_is_said_with_its_date(core: Core, clock: SettableClock) -> None:
    clock.moment = datetime(2026, 12, 22, 17, 0, tzinfo=UTC)
    assert staffed(core, "mon 09:00-17:00").people_read("sms") == until("9am on Monday 4 January")


def test_what_was_promised_is_what_is_set(core: Core) -> None:
    assert staffed(core, "mon-fri 09:00-17:00", timedelta(minutes=15)).people_read("sms") == by("12.15pm")


def test_where_nobody_ever_reads_it_says_that_nobody_does(core: Core) -> None:
    assert core.people_read("sms") == core.people_read("chat") == NOBODY_AT_ALL


def test_the_reply_to_danger_says_it(core: Core) -> None:
    receive(staffed(core, "mon-fri 09:00-17:00"), new_message("i want to kill myself"))
    receive(core, new_message("i want to kill myself", "web"))
    texter, chatter = rows.texts(core)
    assert texter.endswith(by("1pm")) and chatter.endswith(NOBODY_AT_ALL)


MINUTES = st.integers(0, 24 * 60 - 1).map(lambda minutes: time(*divmod(minutes, 60)))
OPENINGS = st.tuples(MINUTES, MINUTES).filter(lambda both: both[0] < both[1])


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    now=st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC)),
    by_weekday=st.dictionaries(st.integers(0, 6), OPENINGS, max_size=7),
    read_within=st.integers(1, 480).map(lambda minutes: timedelta(minutes=minutes)),
)
@example(datetime(2026, 9, 16, 20, tzinfo=UTC), {2: (time(10, 30), time(17))}, timedelta(hours=1))
def test_it_fits_every_reply_at_every_moment_whatever_the_hours(
    core: Core,
    clock: SettableClock,
    now: datetime,
    by_weekday: dict[int, tuple[time, time]],
    read_within: timedelta,
) -> None:
    clock.moment = now
    core = replace(core, staffing=Staffing(StaffHours(by_weekday), read_within))
    assert max(len(core.people_read(form)) for form in ("sms", "chat")) <= LONGEST_PEOPLE_READ
