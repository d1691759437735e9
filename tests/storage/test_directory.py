"""The stored directory: the same feed again changes nothing, and what is gone is withdrawn and can come back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from sqlalchemy import func, select

from helpline.domain.directory import (
    CostOption,
    Feed,
    ImportReport,
    Location,
    Organisation,
    Refused,
    Schedule,
    Service,
    ServicePhone,
    identifier,
)
from helpline.services.core import Core
from helpline.services.directory_import import import_feed
from helpline.storage import directory
from helpline.storage.directory import Filter
from helpline.storage.directory_models import OrukAttribute, OrukContact, OrukPhone, OrukServiceArea
from helpline.storage.models import Base
from tests.fakes import SettableClock
from tests.made_services import OFFICE_HOURS, a_feed, a_service

HALL = Location(identifier("location", "hall"), "The hall", "1 High Street", "Maldon", "CM9 5AA", 51.73, 0.67)
FULL = a_service(
    "Carers Together",
    organisation=Organisation(identifier("organisation", "together"), "Together", "A charity.", "https://care.example"),
    areas=("Maldon", "Braintree"),
    terms=("respite", "carers"),
    phones=(ServicePhone("020 7946 0101", "mornings"), ServicePhone("116 123")),
    text_number="Text CARE to 020 7946 0102",
    email="ask@care.example",
    url="https://care.example/group",
    eligibility="Carers over 18.",
    minimum_age=18,
    maximum_age=99,
    hours="Weekdays",
    schedules=(OFFICE_HOURS, Schedule(("SA",), time(10, 0), time(12, 0))),
    fees="Free",
    cost_options=(CostOption("lunch", 4.5, "each"), CostOption("tea")),
    locations=(HALL,),
    source_url="https://care.example",
    source_date="seen November 2026",
    assured_date=date(2026, 11, 20),
)


def shown(core: Core) -> list[Service]:
    with core.database.read() as session:
        return list(directory.shown_services(session))


def names(core: Core) -> set[str]:
    return {service.name for service in shown(core)}


def version(core: Core) -> int:
    with core.database.read() as session:
        return directory.version(session)


def counts(report: ImportReport) -> tuple[int, int, int, int]:
    return report.added, report.changed, report.unchanged, report.withdrawn


def test_what_was_stored_is_read_as_it_was(core: Core) -> None:
    import_feed(core, a_feed(FULL))
    assert shown(core) == [FULL]


def test_the_same_feed_again_changes_nothing_not_even_the_version(core: Core, clock: SettableClock) -> None:
    feed = a_feed(FULL, a_service("Other"))
    assert counts(import_feed(core, feed)) == (2, 0, 0, 0)
    before, written = version(core), everything(core)
    clock.advance(timedelta(days=1))
    assert counts(import_feed(core, feed)) == (0, 0, 2, 0)
    assert version(core) == before
    assert everything(core) == written


def everything(core: Core) -> list[str]:
    with core.database.read() as session:
        return [
            repr(row)
            for table in Base.metadata.sorted_tables
            if table.name.startswith("oruk_")
            for row in session.execute(select(table)).all()
        ]


CHANGES: dict[str, Callable[[Service], Service]] = {
    "a number": lambda service: replace(service, phones=(ServicePhone("020 7946 0199"),)),
    "no number": lambda service: replace(service, phones=()),
    "the hours": lambda service: replace(service, schedules=(OFFICE_HOURS,), hours=None),
    "the terms": lambda service: replace(service, terms=("carers",)),
    "the order of the terms": lambda service: replace(service, terms=("carers", "respite")),
    "the areas": lambda service: replace(service, areas=("Harlow",)),
    "the price": lambda service: replace(service, cost_options=(CostOption("lunch", 5.0),)),
    "no building": lambda service: replace(service, locations=()),
    "the building's address": lambda service: replace(service, locations=(replace(HALL, address_1="2 Low Street"),)),
    "what the organisation says": lambda service: replace(
        service, organisation=replace(service.organisation, description="A bigger charity.")
    ),
    "another organisation": lambda service: replace(service, organisation=Organisation("o" * 36, "Others")),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_replaces_what_was_there(core: Core, what: str) -> None:
    import_feed(core, a_feed(FULL))
    before, changed = version(core), CHANGES[what](FULL)
    assert counts(import_feed(core, a_feed(changed))) == (0, 1, 0, 0)
    assert shown(core) == [changed]
    assert version(core) > before


def test_nothing_of_an_older_state_is_left_behind(core: Core) -> None:
    import_feed(core, a_feed(FULL))
    import_feed(core, a_feed(replace(FULL, phones=(), areas=("Harlow",), terms=("carers",))))
    with core.database.read() as session:
        for model, left in ((OrukContact, 0), (OrukPhone, 0), (OrukServiceArea, 1), (OrukAttribute, 1)):
            assert session.scalar(select(func.count()).select_from(model)) == left


def test_what_is_no_longer_listed_is_withdrawn_kept_and_shown_again_when_it_returns(core: Core) -> None:
    one, two = a_service("One"), a_service("Two")
    import_feed(core, a_feed(one, two))
    assert counts(import_feed(core, a_feed(one))) == (0, 0, 1, 1)
    assert names(core) == {"One"}
    assert counts(import_feed(core, a_feed(one))) == (0, 0, 1, 0)
    with core.database.read() as session:
        assert directory.feeds(session) == [("made", 2)]
        assert directory.services_by_id(session, [two.id, one.id]) == [one]
    assert counts(import_feed(core, a_feed(one, two))) == (0, 1, 1, 0)
    assert names(core) == {"One", "Two"}


def test_a_feed_withdraws_nothing_of_another_feed(core: Core) -> None:
    import_feed(core, a_feed(a_service("One")))
    import_feed(core, Feed("another", (a_service("One", feed="another", run_by="Others"),)))
    assert counts(import_feed(core, Feed("another", ()))) == (0, 0, 0, 1)
    assert names(core) == {"One"}


def test_a_feed_that_knows_less_of_an_organisation_takes_nothing_away(core: Core) -> None:
    import_feed(core, a_feed(FULL))
    knows_less = Organisation(FULL.organisation.id, "Together")
    import_feed(core, Feed("another", (a_service("Other", feed="another", organisation=knows_less),)))
    assert {service.organisation.description for service in shown(core)} == {"A charity."}


def test_what_is_closed_or_not_confirmed_or_cannot_be_reached_is_kept_and_held_back(core: Core) -> None:
    held_back = (
        a_service("Closed", status="defunct"),
        a_service("Doubtful", confidence="low"),
        a_service("Unreachable", phones=()),
    )
    report = import_feed(core, a_feed(a_service("Open"), *held_back))
    assert (report.added, report.held_back) == (4, 3)
    assert names(core) == {"Open"}
    with core.database.read() as session:
        page, total = directory.page_of_services(session, Filter(), 1, 50)
        assert ([row.name for row in page], total) == (["Open"], 1)
        assert directory.services_by_id(session, [service.id for service in held_back]) == []
        assert all(directory.published_service(session, service.id) is None for service in held_back)


def test_services_are_given_in_the_order_in_which_they_were_asked_for(core: Core) -> None:
    services = [a_service(f"Group {number}") for number in range(5)]
    import_feed(core, a_feed(*services))
    wanted = [services[3].id, services[0].id, "not-there", services[4].id]
    with core.database.read() as session:
        found = directory.services_by_id(session, wanted)
        assert [service.name for service in found] == ["Group 3", "Group 0", "Group 4"]


def test_what_was_refused_is_written_down_with_the_import(core: Core, clock: SettableClock) -> None:
    refused = Refused("one", "it has no name")
    import_feed(core, Feed("made", (a_service(),), (refused,)))
    before = version(core)
    import_feed(core, Feed("made", (a_service(),), (refused,)))
    assert version(core) == before
    with core.database.read() as session:
        kept = directory.last_import(session, "made")
        assert kept is not None and kept.at == clock.now()
        assert kept.report["refused"] == [{"record": "one", "reason": "it has no name"}]
        assert directory.last_import(session, "another") is None
    import_feed(core, a_feed(a_service()))
    assert version(core) > before


def test_the_version_of_an_empty_directory_is_a_number_too(core: Core) -> None:
    assert version(core) == 0
    import_feed(core, a_feed())
    assert version(core) > 0


def test_an_import_that_fails_in_the_middle_leaves_the_directory_as_it_was(core: Core) -> None:
    import_feed(core, a_feed(a_service("One")))
    before, stored = version(core), everything(core)
    with pytest.raises(KeyError):
        import_feed(core, a_feed(a_service("Two"), a_service("Three", terms=("no-such-term",))))
    assert (version(core), everything(core)) == (before, stored)


def test_the_taxonomy_follows_the_content_and_keeps_what_services_may_still_have(core: Core) -> None:
    import_feed(core, a_feed(a_service()))
    terms = {code: replace(term, name=f"new {code}") for code, term in core.taxonomy.terms.items() if code != "scams"}
    import_feed(replace(core, taxonomy=replace(core.taxonomy, terms=terms)), a_feed(a_service()))
    with core.database.read() as session:
        stored = {term.code: term.name for term in directory.taxonomy_terms(session)}
    assert set(stored) == set(core.taxonomy.terms)
    assert stored["carers"] == "new carers" and stored["scams"] == core.taxonomy.terms["scams"].name


def test_many_services_are_stored_and_read(core: Core) -> None:
    services = [a_service(f"Group {number}", run_by=f"Body {number % 50}") for number in range(1_100)]
    assert import_feed(core, a_feed(*services)).added == 1_100
    assert len(shown(core)) == 1_100
