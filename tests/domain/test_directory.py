"""What a service is: who may be told of it, how wide its net is, when it is open, and what comes first."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from helpline.domain.directory import (
    END_OF_DAY,
    Reach,
    Schedule,
    Service,
    ServicePhone,
    Wanted,
    identifier,
    nearest_first,
    one_for_each_organisation,
)
from tests.made_services import OFFICE_HOURS, a_service

ESSEX_TIME = ZoneInfo("Europe/London")
DISTRICTS = ("Basildon", "Braintree", "Brentwood", "Harlow", "Maldon", "Rochford", "Tendring")


def test_a_name_has_the_same_identifier_for_ever_and_no_other_name_has_it() -> None:
    assert identifier("service", "made", "one") == "ce63b081-5904-54a1-bd81-8b4e1e57c07e"
    assert len({identifier("a", "b"), identifier("b", "a"), identifier("ab"), identifier("a b")}) == 4


@pytest.mark.parametrize(
    ("service", "shown"),
    [
        (a_service(), True),
        (a_service(confidence="medium"), True),
        (a_service(confidence="low"), False),
        (a_service(status="inactive"), False),
        (a_service(status="defunct"), False),
        (a_service(status="temporarily closed"), False),
        (a_service(phones=()), False),
        (a_service(phones=(), url="https://care.example"), True),
        (a_service(phones=(), email="ask@care.example"), True),
        (a_service(phones=(), text_number="text HELLO to 020 7946 0101"), True),
    ],
)
def test_a_resident_is_told_of_what_is_open_and_confirmed_and_can_be_reached(service: Service, shown: bool) -> None:
    assert service.is_shown is shown


@pytest.mark.parametrize(
    ("areas", "reach"),
    [
        (("Maldon",), Reach.LOCAL),
        (DISTRICTS[:6], Reach.LOCAL),
        (DISTRICTS, Reach.AREA),
        (("Essex",), Reach.AREA),
        (("Southend-on-Sea", "Essex"), Reach.AREA),
        (("England",), Reach.NATIONAL),
        (("Maldon", "UK"), Reach.NATIONAL),
    ],
)
def test_how_wide_a_service_casts_its_net_follows_from_its_areas(areas: tuple[str, ...], reach: Reach) -> None:
    assert a_service(areas=areas).reach is reach


MONDAY_EVENING = Schedule(("MO",), time(18, 0), END_OF_DAY)
EARLY_TUESDAY = Schedule(("TU",), time(0, 0), time(2, 0))
ALWAYS = Schedule(("MO", "TU", "WE", "TH", "FR", "SA", "SU"), time(0, 0), END_OF_DAY)


@pytest.mark.parametrize(
    ("schedules", "moment", "is_open"),
    [
        ((OFFICE_HOURS,), "2026-11-23T08:59:59", False),
        ((OFFICE_HOURS,), "2026-11-23T09:00:00", True),
        ((OFFICE_HOURS,), "2026-11-23T16:59:59", True),
        ((OFFICE_HOURS,), "2026-11-23T17:00:00", False),
        ((OFFICE_HOURS,), "2026-11-22T12:00:00", False),
        ((MONDAY_EVENING, EARLY_TUESDAY), "2026-11-23T23:59:59", True),
        ((MONDAY_EVENING, EARLY_TUESDAY), "2026-11-24T00:00:00", True),
        ((MONDAY_EVENING, EARLY_TUESDAY), "2026-11-24T02:00:00", False),
        ((ALWAYS,), "2026-11-22T23:59:59", True),
        ((ALWAYS,), "2026-11-23T00:00:00", True),
        ((), "2026-11-23T12:00:00", None),
    ],
)
def test_whether_it_is_open_is_told_to_the_second_also_at_midnight(
    schedules: tuple[Schedule, ...], moment: str, is_open: bool | None
) -> None:
    assert a_service(schedules=schedules).is_open(datetime.fromisoformat(moment)) is is_open


@pytest.mark.parametrize(
    ("in_utc", "is_open"),
    [("2026-07-20T08:30", True), ("2026-07-20T16:30", False), ("2026-11-23T08:30", False), ("2026-11-23T16:30", True)],
)
def test_hours_are_those_of_the_clock_in_essex_in_summer_and_in_winter(in_utc: str, is_open: bool) -> None:
    there = datetime.fromisoformat(in_utc).replace(tzinfo=UTC).astimezone(ESSEX_TIME)
    assert a_service(schedules=(OFFICE_HOURS,)).is_open(there) is is_open


def test_only_the_first_service_of_an_organisation_is_offered_however_its_name_is_written() -> None:
    found = [a_service("One", run_by="Mind"), a_service("Two", run_by="MIND"), a_service("Three", run_by="Age UK")]
    assert [service.name for service in one_for_each_organisation(found)] == ["One", "Three"]


def test_near_comes_before_national_and_the_purpose_before_a_side_line_and_confirmed_before_likely() -> None:
    national = a_service("National", areas=("UK",))
    county = a_service("County", areas=("Essex",))
    likely = a_service("Likely", confidence="medium")
    side_line = a_service("Side line", terms=("dementia", "carers"))
    best = a_service("Best", phones=(ServicePhone("020 7946 0102"),))
    in_order = nearest_first([national, county, likely, side_line, best], Wanted(terms=("carers",)))
    assert [service.name for service in in_order] == ["Best", "Likely", "Side line", "County", "National"]


def test_what_is_equal_stays_in_the_order_in_which_it_fits() -> None:
    found = [a_service("First"), a_service("Second"), a_service("Third")]
    assert nearest_first(found, Wanted(terms=("carers",))) == found
