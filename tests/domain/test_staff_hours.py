"""When people of ours read messages, as it is written in a setting and as it is said to somebody who waits."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from helpline.domain.staff_hours import StaffHours, StaffHoursError, Staffing, clock_time, day_name

LOCAL = ZoneInfo("Europe/London")
NINE, FIVE = time(9), time(17)
WEEKDAYS = StaffHours.parse("mon-fri 09:00-17:00")
AN_HOUR = timedelta(hours=1)


def local(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=LOCAL)


@pytest.mark.parametrize(
    ("written", "hours"),
    [
        ("", {}),
        (" ; ", {}),
        ("mon-fri 09:00-17:00", dict.fromkeys(range(5), (NINE, FIVE))),
        ("  MON-Tue  9:00-17:00 ;", {0: (NINE, FIVE), 1: (NINE, FIVE)}),
        ("wed 09:00-17:00; sat-sun 10:30-12:00", {2: (NINE, FIVE)} | dict.fromkeys((5, 6), (time(10, 30), time(12)))),
        ("mon-sun 00:00-23:59", dict.fromkeys(range(7), (time(0), time(23, 59)))),
    ],
)
def test_written_hours_are_read(written: str, hours: dict[int, tuple[time, time]]) -> None:
    assert StaffHours.parse(written).by_weekday == hours


@pytest.mark.parametrize(
    "part",
    [
        "weekdays",
        "mon-fri",
        "09:00-17:00",
        "mon-fri 9-5",
        "mon-fri 09:00",
        "mon-fri 09:00-24:00",
        "mon-fri 09:60-17:00",
        "monday 09:00-17:00",
        "mon-xyz 09:00-17:00",
        "mon,tue 09:00-17:00",
        "mon-fri 09:00-17:00 and sat 10:00-12:00",
        "mon\u2013fri 09:00-17:00",
    ],
)
def test_what_cannot_be_read_is_named_together_with_how_it_is_written(part: str) -> None:
    with pytest.raises(StaffHoursError) as raised:
        StaffHours.parse(f"sun 10:00-12:00; {part}")
    assert str(raised.value) == (
        f'"{part}" is not opening hours. Write them like this: mon-fri 09:00-17:00; sat 10:00-12:00'
    )


@pytest.mark.parametrize("part", ["fri-mon 09:00-17:00", "mon 17:00-09:00", "mon 09:00-09:00"])
def test_hours_that_end_before_they_begin_are_refused(part: str) -> None:
    with pytest.raises(StaffHoursError) as raised:
        StaffHours.parse(part)
    assert str(raised.value) == f'"{part}": the end comes before the beginning.'


@pytest.mark.parametrize(
    ("now", "by"),
    [
        ("2026-11-23T08:59:59", None),
        ("2026-11-23T09:00", "2026-11-23T10:00"),
        ("2026-11-23T12:15", "2026-11-23T13:15"),
        ("2026-11-23T16:00", "2026-11-23T17:00"),
        ("2026-11-23T16:00:01", None),
        ("2026-11-23T17:00", None),
        ("2026-11-22T12:00", None),
        ("2026-12-25T12:00", None),
        ("2026-12-28T12:00", None),
        ("2026-12-29T12:00", "2026-12-29T13:00"),
    ],
)
def test_a_message_is_read_within_the_promised_time_while_open_and_before_closing(now: str, by: str | None) -> None:
    assert WEEKDAYS.read_by(local(now), AN_HOUR) == (by and local(by))


def test_a_promise_that_runs_past_midnight_is_not_made() -> None:
    assert StaffHours.parse("mon-sun 00:00-23:59").read_by(local("2026-11-23T23:30"), AN_HOUR) is None


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-11-23T08:00", "2026-11-23T09:00"),
        ("2026-11-23T09:00", "2026-11-24T09:00"),
        ("2026-11-23T16:30", "2026-11-24T09:00"),
        ("2026-11-27T17:00", "2026-11-30T09:00"),
        ("2026-11-28T12:00", "2026-11-30T09:00"),
        # Christmas Day is a Friday, and Boxing Day is made up for on the Monday.
        ("2026-12-24T18:00", "2026-12-29T09:00"),
        ("2026-12-31T18:00", "2027-01-04T09:00"),
        # From Good Friday to Easter Monday.
        ("2027-03-25T18:00", "2027-03-30T09:00"),
        # The early May and the spring bank holidays, and the one in August.
        ("2027-04-30T18:00", "2027-05-04T09:00"),
        ("2027-05-28T18:00", "2027-06-01T09:00"),
        ("2027-08-27T18:00", "2027-08-31T09:00"),
        # A holiday in Scotland and Northern Ireland, and not in England.
        ("2027-01-03T18:00", "2027-01-04T09:00"),
        ("2027-07-11T18:00", "2027-07-12T09:00"),
    ],
)
def test_it_opens_next_after_the_night_the_weekend_and_the_bank_holidays_of_england(now: str, opens: str) -> None:
    assert WEEKDAYS.next_opening(local(now)) == local(opens)


def test_every_day_has_its_own_hours() -> None:
    hours = StaffHours.parse("mon-thu 09:00-17:00; sat 10:30-12:00")
    assert hours.next_opening(local("2026-11-26T17:00")) == local("2026-11-28T10:30")
    assert hours.opening(date(2026, 11, 27)) is None
    assert hours.read_by(local("2026-11-28T10:45"), AN_HOUR) == local("2026-11-28T11:45")


def test_a_team_of_mondays_opens_two_weeks_later_when_the_next_monday_is_a_bank_holiday() -> None:
    mondays = StaffHours.parse("mon 09:00-17:00")
    assert mondays.next_opening(local("2026-12-22T12:00")) == local("2027-01-04T09:00")
    assert mondays.next_opening(local("2026-12-21T17:00")) == local("2027-01-04T09:00")


def test_it_opens_by_the_clock_on_the_wall_when_the_clocks_change() -> None:
    opens = WEEKDAYS.next_opening(local("2027-03-26T18:00"))
    assert opens is not None
    assert (opens, opens.utcoffset()) == (local("2027-03-30T09:00"), timedelta(hours=1))


def test_where_nobody_reads_nothing_is_promised_and_nothing_opens() -> None:
    nobody = Staffing().hours
    assert nobody.read_by(local("2026-11-23T12:00"), AN_HOUR) is None
    assert nobody.next_opening(local("2026-11-23T12:00")) is None


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (time(9), "9am"),
        (time(9, 5), "9.05am"),
        (time(11, 59), "11.59am"),
        (time(12), "midday"),
        (time(12, 30), "12.30pm"),
        (time(16, 30), "4.30pm"),
        (time(23, 59), "11.59pm"),
        (time(0, 30), "12.30am"),
        (local("2026-11-23T17:00"), "5pm"),
    ],
)
def test_a_time_is_said_as_people_say_it(moment: time | datetime, said: str) -> None:
    assert clock_time(moment) == said


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (0, "today"),
        (1, "tomorrow"),
        (2, "on Wednesday"),
        (6, "on Sunday"),
        (7, "on Monday 30 November"),
        (8, "on Tuesday 1 December"),
    ],
)
def test_a_day_is_said_by_its_name_and_with_its_date_when_the_name_is_not_enough(ahead: int, said: str) -> None:
    today = date(2026, 11, 23)
    assert day_name(today + timedelta(days=ahead), today) == said
