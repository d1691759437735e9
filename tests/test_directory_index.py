"""What is found in the directory, and in which order."""

import shutil
from collections.abc import Iterable
from datetime import datetime, time
from pathlib import Path

import pytest

from helpline.directory_index import LOOK_FOR_CHANGES_SECONDS, DirectorySearch, ServiceSearch
from helpline.domain.directory import END_OF_DAY, Schedule, Service, Wanted
from helpline.services.core import Core
from helpline.services.directory_import import import_feed
from helpline.storage import directory
from helpline.storage.engine import Database, StorageUnavailable, open_encrypted_file, open_postgresql
from tests.conftest import FILE_KEY
from tests.fakes import NOON
from tests.made_services import OFFICE_HOURS, a_feed, a_service

CARERS_IN_MALDON = Wanted(terms=("carers",), district="Maldon", authority_area="Essex")


def found(services: Iterable[Service], wanted: Wanted = CARERS_IN_MALDON, most: int = 15) -> list[str]:
    return [service.name for service in ServiceSearch(services).find(wanted, most)]


def test_near_comes_before_the_county_and_the_county_before_the_nation() -> None:
    services = [
        a_service("National", areas=("UK",)),
        a_service("Of the county", areas=("Essex",)),
        a_service("Near", areas=("Maldon", "Braintree")),
    ]
    assert found(services) == ["Near", "Of the county", "National"]


def test_what_is_elsewhere_is_not_found() -> None:
    half = ("Basildon", "Braintree", "Brentwood", "Harlow", "Rochford", "Tendring", "Uttlesford")
    services = [
        a_service("In Harlow", areas=("Harlow",)),
        a_service("In Southend", areas=("Southend-on-Sea",)),
        a_service("In half of the county", areas=half),
    ]
    assert found(services) == []


def test_a_service_of_the_county_is_not_for_those_whom_another_council_serves() -> None:
    services = [a_service("Of the county", areas=("Essex",)), a_service("Of Thurrock", areas=("Thurrock",))]
    assert found(services, Wanted(terms=("carers",), district="Thurrock", authority_area="Thurrock")) == ["Of Thurrock"]


def test_what_was_checked_comes_before_what_is_only_likely() -> None:
    services = [a_service("Likely", confidence="medium"), a_service("Checked")]
    assert found(services) == ["Checked", "Likely"]


def test_what_is_closed_or_not_confirmed_or_cannot_be_reached_is_never_found() -> None:
    services = [
        a_service("Closed", status="defunct"),
        a_service("Paused", status="temporarily closed"),
        a_service("Not confirmed", confidence="low"),
        a_service("Unreachable", phones=()),
    ]
    assert found(services) == []
    assert found(services, Wanted(words="closed paused unreachable", district="Maldon")) == []


def test_an_organisation_is_offered_once_with_what_is_nearest_of_it() -> None:
    services = [
        a_service("Mind line", run_by="Mind", areas=("UK",)),
        a_service("Mind in Maldon", run_by="MIND"),
        a_service("Another"),
    ]
    assert sorted(found(services)) == ["Another", "Mind in Maldon"]


def test_where_no_place_is_known_only_what_is_for_everybody_is_found() -> None:
    everywhere = ("Maldon", "Harlow", "Basildon", "Braintree", "Brentwood", "Rochford", "Thurrock")
    services = [
        a_service("National", areas=("England",)),
        a_service("Everywhere", areas=everywhere),
        a_service("Of the county", areas=("Essex",)),
        a_service("Near", areas=("Maldon",)),
    ]
    assert found(services, Wanted(terms=("carers",))) == ["Everywhere", "National"]


def test_where_only_the_council_is_known_what_is_for_its_whole_area_is_found_too() -> None:
    services = [
        a_service("National", areas=("UK",)),
        a_service("Of the county", areas=("Essex",)),
        a_service("Near", areas=("Maldon",)),
        a_service("Of Southend", areas=("Southend-on-Sea",)),
    ]
    assert found(services, Wanted(terms=("carers",), authority_area="Essex")) == ["Of the county", "National"]


@pytest.mark.parametrize(
    ("age", "names"),
    [
        (None, ["For all", "From 18", "To 17"]),
        (17, ["For all", "To 17"]),
        (18, ["For all", "From 18"]),
        (0, ["For all", "To 17"]),
        (101, ["For all", "From 18"]),
    ],
)
def test_an_age_leaves_out_what_is_for_others(age: int | None, names: list[str]) -> None:
    services = [a_service("For all"), a_service("From 18", minimum_age=18), a_service("To 17", maximum_age=17)]
    wanted = Wanted(terms=("carers",), district="Maldon", authority_area="Essex", age=age)
    assert sorted(found(services, wanted)) == names


@pytest.mark.parametrize(
    ("moment", "names"),
    [
        ("2026-11-23T12:00", ["Always", "Office"]),
        ("2026-11-23T18:00", ["Always", "Evening"]),
        ("2026-11-23T23:59:59", ["Always", "Evening"]),
        ("2026-11-24T00:00", ["Always"]),
        ("2026-11-22T12:00", ["Always"]),
    ],
)
def test_open_now_means_open_at_this_minute_and_hours_that_are_not_known_are_not_open(
    moment: str, names: list[str]
) -> None:
    services = [
        a_service("Office", schedules=(OFFICE_HOURS,)),
        a_service("Evening", schedules=(Schedule(("MO",), time(18, 0), END_OF_DAY),)),
        a_service("Always", schedules=(Schedule(("MO", "TU", "WE", "TH", "FR", "SA", "SU"), time(0), END_OF_DAY),)),
        a_service("Unknown", hours="Ring and ask"),
    ]
    wanted = Wanted(("carers",), "", "Maldon", "Essex", open_at=datetime.fromisoformat(moment))
    assert sorted(found(services, wanted)) == names


def test_any_of_the_terms_will_do_and_the_words_say_which_fits_best() -> None:
    services = [
        a_service("Knitting", description="We knit."),
        a_service("Walking", description="A walking group for carers."),
        a_service("Lunch", terms=("loneliness",)),
        a_service("Debt", terms=("debt",)),
    ]
    wanted = Wanted(("carers", "loneliness"), "is there a walking group", "Maldon", "Essex")
    assert found(services, wanted)[0] == "Walking"
    assert set(found(services, wanted)) == {"Walking", "Knitting", "Lunch"}


def test_words_alone_find_by_their_stems_in_name_organisation_description_and_conditions() -> None:
    services = [
        a_service("Gardening club"),
        a_service("One", run_by="Gardeners of Maldon"),
        a_service("Two", description="We garden."),
        a_service("Three", eligibility="You love gardens."),
        a_service("Four"),
    ]
    assert sorted(found(services, Wanted(words="GARDENS", district="Maldon"))) == [
        "Gardening club", "One", "Three", "Two",
    ]  # fmt: skip


@pytest.mark.parametrize("words", ["", "the and of", "?!*+(AND) OR [", "\x00", "caf\u00e9 " * 500, "\U0001f62d"])
def test_words_that_say_nothing_find_nothing_and_are_no_crash(words: str) -> None:
    assert found([a_service()], Wanted(words=words, district="Maldon")) == []


def test_no_more_than_were_asked_for_are_found() -> None:
    services = [a_service(f"Group {number}") for number in range(9)]
    assert len(found(services, most=4)) == 4
    assert len(set(found(services, most=15))) == 9


def test_an_empty_directory_finds_nothing() -> None:
    assert found([]) == []
    assert found([], Wanted(terms=("carers",))) == []


class Hand:
    """A clock's hand that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_a_change_of_the_directory_is_seen_after_a_while_and_nothing_is_read_again_without_one(core: Core) -> None:
    hand = Hand()
    search = DirectorySearch(core.database, hand)
    import_feed(core, a_feed(a_service("First")))
    assert [service.name for service in search.find(CARERS_IN_MALDON, 5)] == ["First"]
    import_feed(core, a_feed(a_service("First"), a_service("Second")))
    assert len(search.find(CARERS_IN_MALDON, 5)) == 1
    hand.seconds += LOOK_FOR_CHANGES_SECONDS
    assert len(search.find(CARERS_IN_MALDON, 5)) == 2
    import_feed(core, a_feed(a_service("Second")))
    hand.seconds += LOOK_FOR_CHANGES_SECONDS
    assert [service.name for service in search.find(CARERS_IN_MALDON, 5)] == ["Second"]


def test_while_the_database_cannot_be_read_what_was_read_before_is_found(migrated_file: Path, tmp_path: Path) -> None:
    hand, path = Hand(), tmp_path / "helpline.db"
    shutil.copy(migrated_file, path)
    engine = open_encrypted_file(path, FILE_KEY)
    with Database(engine).write() as session:
        directory.keep_feed(session, a_feed(a_service("First", terms=())), NOON)
    search = DirectorySearch(Database(engine), hand)
    wanted = Wanted(words="first", district="Maldon")
    assert len(search.find(wanted, 5)) == 1
    engine.dispose()
    path.unlink()
    path.mkdir()
    hand.seconds += LOOK_FOR_CHANGES_SECONDS
    assert len(search.find(wanted, 5)) == 1
    with pytest.raises(StorageUnavailable):
        DirectorySearch(Database(engine), hand).find(wanted, 5)
    engine.dispose()


def test_a_directory_that_was_never_read_is_unavailable_and_not_empty() -> None:
    gone = open_postgresql("postgresql+psycopg://127.0.0.1:1/nothing")
    with pytest.raises(StorageUnavailable):
        DirectorySearch(Database(gone)).find(CARERS_IN_MALDON, 5)
    gone.dispose()
