"""The published directory, as other programs read it: Open Referral UK 3.0, open to everybody."""

from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from litestar import Litestar
from litestar.testing import TestClient

from channels.app import create_app
from channels.base import ChannelContext
from channels.directory_api import PATH
from channels.gateway import Gateway
from content.schema import Content
from helpline.bootstrap import areas_of, read_feed
from helpline.directory_feed import OrukReader
from helpline.domain.directory import (
    CostOption,
    Location,
    Organisation,
    Schedule,
    Service,
    ServicePhone,
    identifier,
)
from helpline.keys import Keys
from helpline.services.core import Core
from helpline.services.directory_import import import_feed
from helpline.settings import REPOSITORY, Settings
from helpline.storage import directory
from tests.channels.breaking import without_a_database
from tests.channels.conftest import PUBLIC
from tests.fakes import ScriptedAssistant
from tests.made_services import OFFICE_HOURS, a_feed, a_service

Client = TestClient[Litestar]

# --- What the standard writes down -----------------------------------------------------------------------------------
# https://openreferraluk.org/developers (2026), version 3.0. Of each object the fields that it documents, and which it
# requires. "phones" of a contact is the one addition: the standard has a phone but no place for it.

WORDS = {"type": "string", "minLength": 1}
UUID = {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}
DAY = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"}
MOMENT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"}
CLOCK = {"type": "string", "pattern": r"^\d\d:\d\d$"}
WEB = {"type": "string", "pattern": r"^https?://"}
AGE = {"type": "integer", "minimum": 0}
NUMBER = {"type": "number"}


def obj(*required: str, **fields: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": fields, "additionalProperties": False}


def listed(of: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "items": of}


TERM = obj("id", "name", "description", id=UUID, name=WORDS, description=WORDS, parent_id=UUID, taxonomy=WORDS,
    taxonomy_id=UUID, term_uri=WEB, term=WORDS)  # fmt: skip
TAXONOMY = obj("id", "name", "description", id=UUID, name=WORDS, description=WORDS, uri=WEB, version=WORDS,
    taxonomy_terms=listed(TERM))  # fmt: skip
ATTRIBUTE = obj("id", id=UUID, link_id=UUID, taxonomy_term_id=UUID, link_type=WORDS, taxonomy_term=TERM)
ORGANIZATION = obj("id", "name", "description", id=UUID, name=WORDS, description=WORDS, email=WORDS, website=WEB,
    logo=WEB, uri=WEB, parent_organization_id=UUID)  # fmt: skip
ADDRESS = obj("id", "address_1", "city", "state_province", "postal_code", "country", "address_type", id=UUID,
    location_id=UUID, attention=WORDS, address_1=WORDS, city=WORDS, region=WORDS, state_province=WORDS,
    postal_code=WORDS, country=WORDS, address_type={"enum": ["physical", "postal", "virtual"]})  # fmt: skip
LOCATION = obj("id", "location_type", id=UUID, location_type={"enum": ["physical", "postal", "virtual"]}, name=WORDS,
    description=WORDS, latitude=NUMBER, longitude=NUMBER, external_identifier=WORDS, external_identifier_type=WORDS,
    addresses=listed(ADDRESS))  # fmt: skip
PHONE = obj("id", "number", id=UUID, number=WORDS, contact_id=UUID, description=WORDS)
CONTACT = obj("id", id=UUID, service_id=UUID, name=WORDS, title=WORDS, phones=listed(PHONE))
SCHEDULE = obj("id", id=UUID, service_id=UUID, freq={"enum": ["WEEKLY", "MONTHLY"]}, interval=AGE, description=WORDS,
    byday={"type": "string", "pattern": "^(MO|TU|WE|TH|FR|SA|SU)(,(MO|TU|WE|TH|FR|SA|SU))*$"}, opens_at=CLOCK,
    closes_at=CLOCK, notes=WORDS)  # fmt: skip
AREA = obj("id", id=UUID, service_id=UUID, name=WORDS, extent=WORDS, extent_type=WORDS, uri=WEB)
COST = obj("id", id=UUID, service_id=UUID, option=WORDS, amount=NUMBER, amount_description=WORDS)
STATUS = {"enum": ["active", "inactive", "defunct", "temporarily closed"]}
ONE_TO_ONE = {"id": UUID, "organization_id": UUID, "name": WORDS, "description": WORDS, "url": WEB, "email": WORDS,
    "status": STATUS, "fees": WORDS, "accreditations": WORDS, "minimum_age": AGE, "maximum_age": AGE,
    "assured_date": DAY, "assurer_email": WORDS, "alert": WORDS, "last_modified": MOMENT,
    "organization": ORGANIZATION}  # fmt: skip
# The compliance page asks for organization_id, which the schema leaves open.
REQUIRED = ("id", "name", "status", "organization_id", "organization")
SUMMARY = obj(*REQUIRED, **ONE_TO_ONE)
PLACE_IN_SERVICE = obj("id", id=UUID, service_id=UUID, location_id=UUID, location=LOCATION)
SERVICE = obj(*REQUIRED, **ONE_TO_ONE, service_areas=listed(AREA), contacts=listed(CONTACT),
    schedules=listed(SCHEDULE), cost_options=listed(COST), service_at_locations=listed(PLACE_IN_SERVICE),
    attributes=listed(ATTRIBUTE))  # fmt: skip
PLACE = obj("id", id=UUID, service_id=UUID, location_id=UUID, location=LOCATION, service=SUMMARY)
ROOT = obj("version", "profile", "openapi_url", version={"const": "3.0"}, profile=WEB, openapi_url=WEB)


def page_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    count = {"type": "integer", "minimum": 0}
    flag = {"type": "boolean"}
    fields = {"total_items": count, "total_pages": count, "page_number": count, "size": count, "first_page": flag,
        "last_page": flag, "empty": flag, "contents": {"type": "array", "items": schema}}  # fmt: skip
    return obj(*fields, **fields)


# --- A directory of which every object is used ------------------------------------------------------------------------

HALL = Location(identifier("location", "hall"), "The hall", "1 High Street", "Maldon", "CM9 5AA", 51.7310, 0.6780)
CHURCH = Location(identifier("location", "church"), "The church", "2 High Street", "", "CM9 6BB", 51.7400, 0.6780)
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
    hours="Weekdays, and Saturday mornings",
    schedules=(OFFICE_HOURS, Schedule(("SA",), time(10, 0), time(12, 0))),
    fees="Free",
    cost_options=(CostOption("lunch", 4.5, "each"), CostOption("tea")),
    locations=(HALL, CHURCH),
    source_date="seen November 2026",
    assured_date=date(2026, 11, 20),
)
BARE = a_service("Bare", terms=(), phones=(), url="https://bare.example", hours="Ring and ask")
YOUNG = a_service("Young", maximum_age=17, terms=("young-carers",), description="For 100% of the young_ones.")
HELD_BACK = (a_service("Closed", status="defunct"), a_service("Doubtful", confidence="low"))


@pytest.fixture
def client(app: Litestar, core: Core) -> Iterator[Client]:
    import_feed(core, a_feed(FULL, BARE, YOUNG, *HELD_BACK))
    with TestClient(app, base_url=PUBLIC, raise_server_exceptions=False) as client:
        yield client


def got(client: Client, address: str, **query: object) -> Any:
    response = client.get(f"{PATH}{address}", params={key: str(value) for key, value in query.items()})
    assert response.status_code == 200, response.text
    assert response.headers["access-control-allow-origin"] == "*"
    return response.json()


def names(client: Client, address: str = "/services", **query: object) -> list[str]:
    return [one["name"] for one in got(client, address, **query)["contents"]]


def empty_fields(value: Any, path: str = "") -> list[str]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [name for key, child in children for name in empty_fields(child, f"{path}/{key}")]
    return [*found, path] if value in (None, "", [], {}) and value is not False and value != 0 else found


def test_each_of_the_nine_addresses_answers_in_the_form_of_the_standard(client: Client, core: Core) -> None:
    place = got(client, "/service_at_locations")["contents"][0]["id"]
    taxonomy = got(client, "/taxonomies")["contents"][0]["id"]
    term = got(client, "/taxonomy_terms")["contents"][0]["id"]
    nine = {
        "/": ROOT,
        "/services": page_of(SUMMARY),
        f"/services/{FULL.id}": SERVICE,
        "/service_at_locations": page_of(PLACE),
        f"/service_at_locations/{place}": PLACE,
        "/taxonomies": page_of(TAXONOMY),
        f"/taxonomies/{taxonomy}": TAXONOMY,
        "/taxonomy_terms": page_of(TERM),
        f"/taxonomy_terms/{term}": TERM,
    }
    for address, schema in nine.items():
        body = got(client, address)
        assert [error.message for error in Draft202012Validator(schema).iter_errors(body)] == [], address
        assert empty_fields(body) == [], address


def test_a_whole_service_holds_all_that_we_know_of_it_and_the_standard_has_a_place_for(client: Client) -> None:
    whole = got(client, f"/services/{FULL.id}")
    assert set(whole) == set(SERVICE["properties"]) - {"accreditations", "assurer_email", "alert"}
    assert whole["description"] == f"{FULL.description} {FULL.eligibility} {FULL.text_number}"
    assert [area["name"] for area in whole["service_areas"]] == ["Maldon", "Braintree"]
    [contact] = whole["contacts"]
    assert [(phone["number"], phone.get("description")) for phone in contact["phones"]] == [
        ("020 7946 0101", "mornings"), ("116 123", None),
    ]  # fmt: skip
    assert [(one["byday"], one["opens_at"], one["closes_at"]) for one in whole["schedules"]] == [
        ("MO,TU,WE,TH,FR", "09:00", "17:00"), ("SA", "10:00", "12:00"),
    ]  # fmt: skip
    assert whole["attributes"][0]["taxonomy_term"]["name"] == "a break from caring"
    assert [one.get("amount") for one in whole["cost_options"]] == [4.5, None]
    # An address without a town would not be one in the standard.
    addresses = {one["location"]["name"]: one["location"].get("addresses") for one in whole["service_at_locations"]}
    assert addresses["The hall"][0]["postal_code"] == "CM9 5AA" and addresses["The church"] is None


def test_the_least_that_a_service_can_be_is_in_the_form_of_the_standard_too(client: Client) -> None:
    bare = got(client, f"/services/{BARE.id}")
    assert [error.message for error in Draft202012Validator(SERVICE).iter_errors(bare)] == []
    assert empty_fields(bare) == []
    assert [one["description"] for one in bare["schedules"]] == ["Ring and ask"]


def test_every_record_of_the_shipped_directory_is_in_the_form_of_the_standard(
    client: Client, core: Core, content: Content
) -> None:
    import_feed(core, shipped(core, content))
    for one in got(client, "/services", per_page=500)["contents"]:
        whole = got(client, f"/services/{one['id']}")
        assert [error.message for error in Draft202012Validator(SERVICE).iter_errors(whole)] == [], one["name"]
        assert empty_fields(whole) == [], one["name"]
        ids = [part["id"] for key in whole if isinstance(whole[key], list) for part in whole[key]]
        assert len(ids) == len(set(ids)), one["name"]


def test_what_residents_are_not_shown_is_not_published(client: Client) -> None:
    assert names(client) == ["Bare", "Carers Together", "Young"]
    for service in HELD_BACK:
        assert client.get(f"{PATH}/services/{service.id}").status_code == 404


def test_pages_are_numbered_from_one_and_say_where_they_are(client: Client) -> None:
    first, second, third = (got(client, "/services", page=page, per_page=2) for page in (1, 2, 3))
    place = ("total_items", "total_pages", "page_number", "size", "first_page", "last_page", "empty")
    assert [first[key] for key in place] == [3, 2, 1, 2, True, False, False]
    assert [second[key] for key in place] == [3, 2, 2, 1, False, True, False]
    assert [third[key] for key in place] == [3, 2, 3, 0, False, True, True]
    listed = [one["name"] for page in (first, second, third) for one in page["contents"]]
    assert listed == ["Bare", "Carers Together", "Young"]


def test_an_empty_directory_is_one_empty_page(app: Litestar) -> None:
    with TestClient(app, base_url=PUBLIC) as client:
        for address in ("/services", "/service_at_locations", "/taxonomies", "/taxonomy_terms"):
            body = got(client, address)
            assert (body["total_items"], body["total_pages"], body["empty"], body["contents"]) == (0, 1, True, [])
            assert Draft202012Validator(page_of(SUMMARY)).is_valid(body)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"search": "together"}, ["Carers Together"]),
        ({"search": "CARERS together"}, ["Carers Together"]),
        ({"search": "look after"}, ["Bare", "Carers Together"]),
        ({"search": "100%"}, ["Young"]),
        ({"search": "young_ones"}, ["Young"]),
        ({"search": "%"}, ["Young"]),
        ({"search": "y_ung"}, []),
        ({"search": "\\"}, []),
        ({"search": "'; DROP TABLE oruk_service; --"}, []),
        ({"search": ""}, ["Bare", "Carers Together", "Young"]),
        ({"taxonomy_term_id": identifier("term", "carers")}, ["Carers Together"]),
        ({"taxonomy_term_id": "nothing"}, []),
        ({"minimum_age": 18}, ["Bare", "Carers Together"]),
        ({"maximum_age": 17}, ["Bare", "Young"]),
        ({"minimum_age": 17, "maximum_age": 18}, ["Bare", "Carers Together", "Young"]),
        ({"day": "SA"}, ["Carers Together"]),
        ({"day": "SU"}, []),
        ({"day": "SA", "start_time": "10:00", "end_time": "12:00"}, ["Carers Together"]),
        ({"day": "SA", "start_time": "09:00"}, []),
        ({"day": "MO", "end_time": "17:01"}, []),
        ({"start_time": "09:00:00"}, ["Carers Together"]),
        ({"no_such_filter": "x"}, ["Bare", "Carers Together", "Young"]),
    ],
)
def test_services_can_be_narrowed(client: Client, query: dict[str, object], found: list[str]) -> None:
    assert names(client, **query) == found


def test_services_can_be_narrowed_to_a_taxonomy(client: Client) -> None:
    [taxonomy] = got(client, "/taxonomies")["contents"]
    assert names(client, taxonomy_id=taxonomy["id"]) == ["Carers Together", "Young"]
    assert names(client, taxonomy_id="another") == []


def where(client: Client, **query: object) -> set[str]:
    return {one["location"]["name"] for one in got(client, "/service_at_locations", **query)["contents"]}


def test_buildings_can_be_narrowed_by_how_far_they_are_from_a_postcode(client: Client) -> None:
    assert where(client) == {"The hall", "The church"}
    assert where(client, postcode="CM9 5AA", proximity=900) == {"The hall"}
    assert where(client, postcode="cm95aa", proximity=1100) == {"The hall", "The church"}
    assert where(client, postcode="CM9 5ZZ") == {"The hall", "The church"}
    assert where(client, search="bare") == set()
    response = client.get(f"{PATH}/service_at_locations", params={"postcode": "M1 1AE"})
    assert (response.status_code, response.headers["access-control-allow-origin"]) == (400, "*")


BAD = [
    ("/services", {"page": "0"}), ("/services", {"page": "-1"}), ("/services", {"page": "one"}),
    ("/services", {"page": "1.5"}), ("/services", {"page": "9" * 30}), ("/services", {"page": ""}),
    ("/services", {"per_page": "0"}), ("/services", {"per_page": "501"}), ("/services", {"per_page": "all"}),
    ("/services", {"search": "x" * 201}), ("/services", {"search": "a\x00b"}),
    ("/services", {"minimum_age": "old"}), ("/services", {"minimum_age": "-1"}), ("/services", {"maximum_age": "999"}),
    ("/services", {"day": "Monday"}), ("/services", {"day": "mo"}), ("/services", {"day": "MO,TU"}),
    ("/services", {"start_time": "9am"}), ("/services", {"end_time": "25:00"}), ("/services", {"end_time": "24:00"}),
    ("/services", {"taxonomy_term_id": "x\x00"}), ("/services", {"taxonomy_id": "x" * 81}),
    ("/service_at_locations", {"postcode": "C"}), ("/service_at_locations", {"postcode": "x" * 11}),
    ("/service_at_locations", {"postcode": "CM9", "proximity": "0"}),
    ("/service_at_locations", {"postcode": "CM9", "proximity": "far"}),
    ("/service_at_locations", {"postcode": "CM9", "proximity": "inf"}),
    ("/service_at_locations", {"postcode": "CM9", "proximity": "nan"}),
    ("/service_at_locations", {"page": "0"}), ("/taxonomies", {"page": "x"}), ("/taxonomy_terms", {"per_page": "0"}),
    ("/services/a%00b", {}), ("/taxonomies/a%00b", {}), (f"/services/{'x' * 81}", {}),
]  # fmt: skip


@pytest.mark.parametrize(("address", "query"), BAD, ids=str)
def test_a_bad_parameter_is_the_callers_mistake_and_no_crash(
    client: Client, address: str, query: dict[str, str]
) -> None:
    response = client.get(f"{PATH}{address}", params=query)
    assert response.status_code == 400, response.text
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.json()["status_code" if "status_code" in response.json() else "detail"]


@pytest.mark.parametrize(
    "address", ["/services/x", "/service_at_locations/x", "/taxonomies/x", "/taxonomy_terms/x", "/x"]
)
def test_what_is_not_there_is_said_so_to_every_page(client: Client, address: str) -> None:
    response = client.get(f"{PATH}{address}")
    assert (response.status_code, response.headers["access-control-allow-origin"]) == (404, "*")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_can_be_written(client: Client, method: str) -> None:
    response = client.request(method, f"{PATH}/services", json={"name": "x"})
    assert (response.status_code, response.headers["access-control-allow-origin"]) == (405, "*")


def test_the_chat_is_not_open_to_the_pages_of_other_sites(client: Client) -> None:
    for address in ("/chat", "/health", "/nothing"):
        assert "access-control-allow-origin" not in client.get(address).headers


def test_the_description_of_the_interface_is_where_the_root_says(client: Client) -> None:
    url = got(client, "/")["openapi_url"]
    assert url == f"{PUBLIC}{PATH}/openapi.json"
    described = client.get(url).json()
    assert described["info"]["version"] == "3.0"
    assert {path.removeprefix(PATH) or "/" for path in described["paths"]} == {
        "/", "/services", "/services/{service_id}", "/service_at_locations", "/service_at_locations/{place_id}",
        "/taxonomies", "/taxonomies/{taxonomy_id}", "/taxonomy_terms", "/taxonomy_terms/{term_id}",
    }  # fmt: skip
    asked = {one["name"] for one in described["paths"][f"{PATH}/services"]["get"]["parameters"]}
    assert asked >= {"search", "page", "per_page", "taxonomy_term_id", "minimum_age", "day"}


def test_while_the_database_cannot_be_read_the_answer_says_to_try_again(
    settings: Settings, keys: Keys, gateway: Gateway, assistant: ScriptedAssistant, core: Core
) -> None:
    context = ChannelContext(settings, keys, gateway)
    app = create_app(context, assistant, without_a_database(core), start=lambda: None, stop=lambda: None)
    with TestClient(app, base_url=PUBLIC) as client:
        for address in ("/services", "/services/x", "/service_at_locations", "/taxonomies", "/taxonomy_terms"):
            response = client.get(f"{PATH}{address}")
            assert (response.status_code, response.headers["access-control-allow-origin"]) == (503, "*")
        assert client.get(f"{PATH}/").status_code == 200


def shipped(core: Core, content: Content) -> Any:
    return read_feed(content, str(REPOSITORY / "content" / "services" / "essex.json"), core.today())


def carried(service: Service) -> dict[str, Any]:
    """What the standard can carry of a service."""
    same = ("name", "status", "url", "email", "terms", "phones", "minimum_age", "maximum_age", "hours", "schedules",
        "fees", "assured_date")  # fmt: skip
    return {
        **{name: getattr(service, name) for name in same},
        "organisation": service.organisation.name,
        "areas": sorted(service.areas),
        "costs": sorted(map(repr, service.cost_options)),
        # A town alone has no place in the standard, so an address without one is not sent.
        "places": sorted((place.name, place.postal_code * bool(place.city)) for place in service.locations),
    }


def test_what_we_publish_is_read_back_by_our_own_reader_as_the_same_services(
    client: Client, core: Core, content: Content
) -> None:
    import_feed(core, shipped(core, content))
    reader = OrukReader(content.taxonomy, areas_of(content), lambda postcode: None, core.today(), client)
    feed = reader.read(f"{PUBLIC}{PATH}")
    assert feed.refused == ()
    with core.database.read() as session:
        ours = {service.id: service for service in directory.shown_services(session)}
    theirs = {service.source_id: service for service in feed.services}
    assert set(theirs) == set(ours) and len(ours) > 100
    for service_id, service in ours.items():
        assert carried(theirs[service_id]) == carried(service)
        assert theirs[service_id].description.startswith(" ".join(service.description.split()))
