"""Reading a directory that somebody else publishes: what is taken, what is refused, and what must not be shown."""

import json
from collections.abc import Callable, Mapping
from datetime import date, time, timedelta
from typing import Any

import httpx
import pytest

from content.directory_schema import CannotReadServices
from content.schema import Content
from helpline.bootstrap import areas_of
from helpline.directory_feed import CHECKED_WITHIN, LONGEST_ID, MOST_PAGES, SHOWN_WITHIN, OrukReader
from helpline.domain.directory import END_OF_DAY, Feed, Reach, Schedule, Service, ServicePhone
from helpline.domain.places import Place
from helpline.services.core import Core
from helpline.services.directory_import import import_feed
from helpline.storage import directory
from tests.fakes import NOON

URL = "https://directory.example/oruk/v3"
TODAY = NOON.date()
NEW = (TODAY - timedelta(days=30)).isoformat()
Respond = Callable[[httpx.Request], httpx.Response]


def a_record(service_id: str = "one", **more: Any) -> dict[str, Any]:
    """A record as the standard's full example has it, with what our reader needs."""
    return {
        "id": service_id,
        "name": f"Carers group {service_id}",
        "description": "Tea and talk.",
        "status": "active",
        "url": "https://care.example/group",
        "assured_date": NEW,
        "organization": {"id": "o", "name": f"Together {service_id}", "description": "A charity."},
        "service_areas": [{"id": "a", "name": "Maldon District Council"}],
        "attributes": [{"id": "t", "taxonomy_term": {"id": "c", "name": "Carers group", "description": "x"}}],
        **more,
    }


def a_place(place_id: str = "hall", postcode: str = "CM9 5AA", **more: Any) -> dict[str, Any]:
    address = {"address_1": "1 High Street", "city": "Maldon", "postal_code": postcode}
    return {"location": {"id": place_id, "name": "The hall", "addresses": [address], **more}}


class PublishedFeed:
    """A feed of Open Referral UK 3.0 in memory, a few records a page."""

    def __init__(self, *records: Mapping[str, Any], per_page: int = 2) -> None:
        self.records = list(records)
        self.per_page = per_page
        self.asked: list[str] = []
        self.broken: dict[str, Respond] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().partition("?")[0].removeprefix("/oruk/v3")
        self.asked.append(f"{path}?page={request.url.params['page']}" if path == "/services" else path)
        if self.asked[-1] in self.broken:
            return self.broken[self.asked[-1]](request)
        if path == "/services":
            return httpx.Response(200, json=self.page(int(request.url.params["page"])))
        for record in self.records:
            if path == f"/services/{record.get('id')}":
                return httpx.Response(200, json=record)
        return httpx.Response(404)

    def page(self, number: int) -> dict[str, Any]:
        pages = max(1, -(-len(self.records) // self.per_page))
        shown = self.records[(number - 1) * self.per_page : number * self.per_page]
        return {
            "total_items": len(self.records),
            "total_pages": pages,
            "page_number": number,
            "size": len(shown),
            "first_page": number == 1,
            "last_page": number >= pages,
            "empty": not shown,
            "contents": [{key: record[key] for key in ("id", "name") if key in record} for record in shown],
        }


@pytest.fixture
def read(content: Content) -> Callable[[Respond], Feed]:
    def read_from(respond: Respond, url: str = URL) -> Feed:
        def district_of(postcode: str) -> str | None:
            place = content.gazetteer.find(postcode)
            return place.district if isinstance(place, Place) else None

        with httpx.Client(transport=httpx.MockTransport(respond)) as client:
            return OrukReader(content.taxonomy, areas_of(content), district_of, TODAY, client).read(url)

    return read_from


Read = Callable[..., Feed]


def one(read: Read, **more: Any) -> Service:
    feed = read(PublishedFeed(a_record(**more)))
    assert feed.refused == ()
    [service] = feed.services
    return service


def test_every_page_is_read_and_every_service_once(read: Read) -> None:
    feed = PublishedFeed(*(a_record(str(number)) for number in range(5)))
    assert [service.source_id for service in read(feed).services] == ["0", "1", "2", "3", "4"]
    assert [address for address in feed.asked if "page" in address] == [f"/services?page={n}" for n in (1, 2, 3)]
    assert len(feed.asked) == 8


def test_the_feed_has_a_name_of_its_own_whichever_of_its_addresses_is_given(read: Read) -> None:
    names = {read(PublishedFeed(), url).name for url in (URL, f"{URL}/", f"{URL}/services", f"{URL}/services/")}
    assert names == {"directory-example-oruk-v3"}


def test_a_record_becomes_a_service_of_ours(read: Read) -> None:
    service = one(
        read,
        description="<p>Tea &amp; <b>talk</b>.</p>",
        email="ask@care.example",
        fees="Free",
        minimum_age=18,
        maximum_age=99.0,
        cost_options=[{"option": "lunch", "amount": 4.5, "amount_description": "each"}],
        schedules=[{"byday": "MO,TU", "opens_at": "09:00", "closes_at": "17:00", "description": "Term time"}],
        service_at_locations=[a_place(latitude=51.73, longitude=0.67)],
    )
    assert service.is_shown and service.confidence == "high" and service.reach is Reach.LOCAL
    assert (service.areas, service.terms) == (("Maldon",), ("carers",))
    assert (service.minimum_age, service.maximum_age, service.fees) == (18, 99, "Free")
    assert service.schedules == (Schedule(("MO", "TU"), time(9), time(17)),)
    assert service.hours == "Term time"
    assert service.description == "Tea & talk ."
    [place] = service.locations
    assert (place.address_1, place.postal_code, place.latitude) == ("1 High Street", "CM9 5AA", 51.73)
    [cost] = service.cost_options
    assert (cost.option, cost.amount, cost.description) == ("lunch", 4.5, "each")


PHONE = {"id": "p", "number": "020 7946 0101", "description": "mornings"}


@pytest.mark.parametrize(
    "hidden",
    [
        {"contacts": [{"id": "k", "phones": [PHONE]}]},
        {"phones": [PHONE]},
        {"organization": {"id": "o", "name": "Together", "description": "x", "phones": [PHONE]}},
        {"organization": {"id": "o", "name": "Together", "description": "x", "contacts": [{"phones": [PHONE]}]}},
        {"description": "Ring 020 7946 0101 in the mornings."},
    ],
)
def test_a_number_is_found_wherever_a_feed_keeps_it(read: Read, hidden: dict[str, Any]) -> None:
    assert [phone.number for phone in one(read, **hidden).phones] == ["020 7946 0101"]


def test_a_number_is_given_once_and_without_the_words_around_it_and_none_that_cannot_be_rung(read: Read) -> None:
    phones = [
        PHONE,
        {"number": "02079460101"},
        {"number": "Tel: 0161 496 0101 (ask for the carers team, weekday mornings only)"},
        {"number": "12345"},
        {"number": None},
        {},
    ]
    assert one(read, contacts=[{"phones": phones}]).phones == (
        ServicePhone("020 7946 0101", "mornings"),
        ServicePhone("0161 496 0101"),
    )


@pytest.mark.parametrize(
    ("slip", "reason"),
    [
        ({"id": ""}, "it has no id"),
        ({"id": "x" * (LONGEST_ID + 1)}, f"its id has more than {LONGEST_ID} characters"),
        ({"name": " "}, "it has no name"),
        ({"name": 7}, "it has no name"),
        ({"status": "open"}, "its status 'open' is none of the standard's"),
        ({"organization": {}}, "it does not say which organisation runs it"),
        ({"organization": {"name": "<b></b>"}}, "it does not say which organisation runs it"),
        ({"service_areas": []}, "it does not say where it is for, and no place of ours is among it"),
        ({"service_areas": [{"name": "Kent"}, {"name": "Surrey"}]}, "it is for Kent, Surrey, and no place of ours"),
    ],
)
def test_a_bad_record_is_refused_with_its_reason_and_the_others_are_taken(
    read: Read, slip: dict[str, Any], reason: str
) -> None:
    feed = read(PublishedFeed(a_record() | slip, a_record("two")))
    assert [service.source_id for service in feed.services] == ["two"]
    [refused] = feed.refused
    assert reason in refused.reason
    assert 0 < len(refused.record) <= LONGEST_ID


STRANGE = [
    {"minimum_age": "x", "maximum_age": -1}, {"minimum_age": float("inf")}, {"assured_date": "soon"},
    {"assured_date": 20261101}, {"last_modified": []}, {"schedules": "always"}, {"schedules": [None, 1, {"byday": 5}]},
    {"schedules": [{"byday": "MO", "opens_at": "x", "closes_at": "y", "interval": float("inf")}]},
    {"cost_options": [{"amount": float("nan")}]}, {"contacts": {}}, {"contacts": [{"phones": [7]}]}, {"phones": None},
    {"service_at_locations": [{"location": None}, {"location": {"id": "x", "latitude": "north"}}, 3]},
    {"attributes": [{}, {"taxonomy_term": []}, None]}, {"url": "javascript:alert(1)"}, {"description": None},
    {"description": "<" * 5000}, {"organization": [{"name": "In a list"}]},
]  # fmt: skip


@pytest.mark.parametrize("strange", STRANGE, ids=str)
def test_a_strange_field_is_left_out_and_is_no_crash(read: Read, strange: dict[str, Any]) -> None:
    body = json.dumps(a_record(**strange))
    feed = PublishedFeed(a_record())
    feed.broken["/services/one"] = lambda request: httpx.Response(200, text=body)
    [service] = read(feed).services
    assert service.url in (None, "https://care.example/group")
    assert service.minimum_age is None and all(cost.amount is None for cost in service.cost_options)


@pytest.mark.parametrize(
    ("name", "area"),
    [
        ("Essex", "Essex"), ("Essex County Council", "Essex"), ("County of Essex", "Essex"), ("MALDON", "Maldon"),
        ("Braintree District Council", "Braintree"), ("Castle Point Borough Council", "Castle Point"),
        ("City of Chelmsford", "Chelmsford"), ("Southend-on-Sea City Council", "Southend-on-Sea"),
        ("Southend", "Southend-on-Sea"), ("Thurrock Council", "Thurrock"), ("England", "England"),
        ("United Kingdom", "UK"), ("Great Britain", "UK"), ("National", "UK"),
    ],
)  # fmt: skip
def test_an_area_is_known_by_the_names_that_feeds_give_it(read: Read, name: str, area: str) -> None:
    assert one(read, service_areas=[{"name": name}]).areas == (area,)


def test_where_no_area_is_named_the_postcodes_of_its_buildings_say_where_it_is_for(read: Read) -> None:
    places = [a_place("a", "CM9 5AA"), a_place("b", "SS1 2AB"), a_place("c", "M1 1AE"), a_place("d", "")]
    assert one(read, service_areas=[], service_at_locations=places).areas == ("Maldon", "Southend-on-Sea")


@pytest.mark.parametrize(
    "about",
    [
        {"attributes": [{"taxonomy_term": {"name": "Domestic abuse"}}]},
        {"attributes": [{"taxonomy_term": {"name": "Housing"}}], "name": "Women's refuge"},
        {"attributes": [{"taxonomy_term": {"name": "Housing"}}], "description": "For victims of domestic violence."},
        {"organization": {"name": "Basildon Women's Aid"}},
    ],
)
def test_where_a_refuge_stands_is_not_even_stored(read: Read, about: dict[str, Any]) -> None:
    service = one(read, service_at_locations=[a_place()], **about)
    assert service.locations == ()
    assert "High Street" not in repr(service)


def test_a_building_that_is_named_twice_is_one_and_another_feeds_building_of_that_id_is_another(read: Read) -> None:
    [once] = one(read, service_at_locations=[a_place(), a_place()]).locations
    other = read(PublishedFeed(a_record(service_at_locations=[a_place()])), "https://other.example/oruk/v3")
    assert other.services[0].locations[0].id != once.id


@pytest.mark.parametrize(
    ("assured", "modified", "confidence"),
    [
        (CHECKED_WITHIN, None, "high"),
        (CHECKED_WITHIN + 1, None, "medium"),
        (None, 0, "medium"),
        (None, SHOWN_WITHIN, "medium"),
        (None, SHOWN_WITHIN + 1, "low"),
        (SHOWN_WITHIN + 1, SHOWN_WITHIN + 1, "low"),
        (SHOWN_WITHIN + 1, 10, "medium"),
        (None, None, "medium"),
    ],
)
def test_an_old_record_is_held_back_and_only_a_checked_one_counts_as_checked(
    read: Read, assured: int | None, modified: int | None, confidence: str
) -> None:
    def days_ago(days: int | None, tail: str = "") -> str | None:
        return None if days is None else f"{TODAY - timedelta(days=days)}{tail}"

    service = one(read, assured_date=days_ago(assured), last_modified=days_ago(modified, "T09:00:00Z"))
    assert service.confidence == confidence
    assert service.is_shown is (confidence != "low")


@pytest.mark.parametrize(
    ("schedule", "read_as"),
    [
        ({}, Schedule(("MO",), time(9), time(17))),
        ({"freq": "WEEKLY", "interval": 1}, Schedule(("MO",), time(9), time(17))),
        ({"opens_at": "09:00:00Z", "closes_at": "00:00"}, Schedule(("MO",), time(9), END_OF_DAY)),
        ({"interval": 2}, None),
        ({"freq": "MONTHLY"}, None),
        ({"opens_at": "18:00", "closes_at": "02:00"}, None),
        ({"byday": "1MO"}, None),
        ({"byday": ""}, None),
    ],
)
def test_only_hours_of_every_week_are_hours_and_the_others_stay_words(
    read: Read, schedule: dict[str, Any], read_as: Schedule | None
) -> None:
    given = {"byday": "MO", "opens_at": "09:00", "closes_at": "17:00", "description": "On Mondays", **schedule}
    service = one(read, schedules=[given])
    assert service.schedules == ((read_as,) if read_as else ())
    assert service.hours == "On Mondays"


def test_our_own_terms_are_known_by_their_names_in_their_order(read: Read, content: Content) -> None:
    names = [content.taxonomy.terms[code].name for code in ("respite", "adult-social-care", "carers")]
    service = one(read, attributes=[{"taxonomy_term": {"name": name}} for name in names])
    assert service.terms == ("respite", "adult-social-care", "carers")


def test_what_has_no_term_that_we_know_is_sorted_by_its_name_and_else_by_its_description(read: Read) -> None:
    strange = [{"taxonomy_term": {"name": "Category 7"}}]
    assert one(read, attributes=strange, name="Memory cafe").terms == ("dementia",)
    assert one(read, attributes=strange, name="Tuesdays", description="A food bank.").terms == ("food",)
    assert one(read, attributes=strange, name="Tuesdays").terms == ()


def test_an_id_cannot_lead_to_another_address(read: Read) -> None:
    feed = PublishedFeed(a_record("../../admin?all=1#x"))
    with pytest.raises(CannotReadServices):
        read(feed)
    assert feed.asked[-1] == "/services/..%2F..%2Fadmin%3Fall%3D1%23x"


def endless(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"contents": [{"name": "again"}], "total_pages": 10**9})


def same_page_without_a_number(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"contents": [{"name": "again"}]})


@pytest.mark.parametrize("respond", [endless, same_page_without_a_number])
def test_a_feed_that_never_ends_is_given_up(read: Read, respond: Respond) -> None:
    with pytest.raises(CannotReadServices, match=f"has no end: {MOST_PAGES} pages"):
        read(respond)


def refused_to_connect(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


CANNOT = {
    "no connection": (refused_to_connect, "cannot be read: ConnectError"),
    "an error": (lambda request: httpx.Response(500), "cannot be read: HTTPStatusError"),
    "a page": (lambda request: httpx.Response(200, text="<html>"), "did not answer in JSON"),
    "nothing": (lambda request: httpx.Response(200), "did not answer in JSON"),
    "deep": (lambda request: httpx.Response(200, text="[" * 100_000), "did not answer in JSON"),
    "bytes": (lambda request: httpx.Response(200, content=b"\xff\xfe\xff"), "did not answer in JSON"),
    "a list": (lambda request: httpx.Response(200, json=[]), "does not answer in the form"),
    "no contents": (lambda request: httpx.Response(200, json={"items": []}), "does not list services in the form"),
    "strange contents": (lambda request: httpx.Response(200, json={"contents": "x"}), "does not list services"),
}


@pytest.mark.parametrize("what", CANNOT)
def test_what_is_no_feed_is_refused_as_a_whole_in_one_sentence(read: Read, what: str) -> None:
    respond, sentence = CANNOT[what]
    with pytest.raises(CannotReadServices, match=sentence):
        read(respond)


@pytest.mark.parametrize("pages", ["many", None, [], 1.5])
def test_a_strange_number_of_pages_is_no_crash(read: Read, pages: object) -> None:
    feed = PublishedFeed(a_record("a"), a_record("b"), a_record("c"))

    def respond(request: httpx.Request) -> httpx.Response:
        response = feed(request)
        if not request.url.path.endswith("/services"):
            return response
        kept = {key: value for key, value in response.json().items() if key != "last_page"}
        return httpx.Response(200, json=kept | {"total_pages": pages})

    assert len(read(respond).services) == 3


@pytest.mark.parametrize("url", ["http://[", "https://", "ftp://directory.example", "services", "", "https://a b/c"])
def test_what_is_no_address_of_a_feed_is_refused_in_one_sentence(read: Read, url: str) -> None:
    with pytest.raises(CannotReadServices):
        read(PublishedFeed(), url)


def stored(core: Core) -> dict[str, str]:
    with core.database.read() as session:
        return {service.source_id: service.name for service in directory.shown_services(session)}


@pytest.mark.parametrize("broken", ["/services?page=2", "/services/b", "/services/c"])
def test_a_feed_that_breaks_off_half_way_changes_nothing(core: Core, read: Read, broken: str) -> None:
    import_feed(core, read(PublishedFeed(a_record("a"), a_record("old"))))
    before = stored(core)
    feed = PublishedFeed(a_record("a", name="Carers group renamed"), a_record("b"), a_record("c"))
    feed.broken[broken] = lambda request: httpx.Response(503)
    with pytest.raises(CannotReadServices):
        import_feed(core, read(feed))
    assert stored(core) == before
    feed.broken.clear()
    report = import_feed(core, read(feed))
    assert (report.added, report.changed, report.withdrawn) == (2, 1, 1)
    assert stored(core) == {"a": "Carers group renamed", "b": "Carers group b", "c": "Carers group c"}


def test_todays_date_alone_decides_what_is_too_old(content: Content) -> None:
    record = a_record(assured_date=None, last_modified="2020-01-01T00:00:00Z")
    for today, confidence in ((date(2020, 6, 1), "medium"), (date(2026, 6, 1), "low")):
        with httpx.Client(transport=httpx.MockTransport(PublishedFeed(record))) as client:
            reader = OrukReader(content.taxonomy, areas_of(content), lambda postcode: None, today, client)
            assert reader.read(URL).services[0].confidence == confidence
