"""The directory's own files: what a good one gives, and what is said of each slip."""

import json
from collections import Counter
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest

from content.directory_schema import (
    CannotReadServices,
    as_dialled,
    is_dialable,
    load_taxonomy,
    read_services_file,
    wording_problems,
)
from content.problems import ContentError
from content.schema import Content
from helpline.bootstrap import areas_of, read_feed
from helpline.domain.directory import END_OF_DAY, Feed, Schedule, ServicePhone, Taxonomy, identifier
from helpline.settings import REPOSITORY

# Terms for which no service could be confirmed yet. The list may only grow shorter.
WITHOUT_A_SERVICE = {"meals"}
SERVICES = REPOSITORY / "content" / "services"
AREAS = frozenset({"Maldon", "Harlow", "Essex"})
GOOD: dict[str, Any] = {
    "id": "carers-together",
    "name": "Carers Together",
    "organisation": "Together",
    "offer": "A group for people who look after somebody.",
    "eligibility": "Carers over 18.",
    "area": ["Maldon", "UK"],
    "tags": ["carers", "respite"],
    "phones": [{"number": "020 7946 0101", "label": "mornings"}, {"number": "116 123"}],
    "text": "Text CARE to 020 7946 0102",
    "email": "ask@care.example",
    "url": "https://care.example/group",
    "hours": "Monday 9am to midnight",
    "opening": [{"days": "MO,TU", "opens": "09:00", "closes": "24:00"}],
    "cost": "Free",
    "minimum_age": 18,
    "maximum_age": 99,
    "status": "active",
    "confidence": "high",
    "source": {"url": "https://care.example", "date": "seen November 2026"},
    "assured_date": "2026-11-20",
}


@pytest.fixture
def taxonomy(content: Content) -> Taxonomy:
    return content.taxonomy


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "services.json"


def read(file: Path, taxonomy: Taxonomy, *records: Any, feed: str = "ours") -> Feed:
    file.write_text(json.dumps({"feed": feed, "services": records}))
    return read_services_file(file, taxonomy, AREAS)


def test_a_good_record_becomes_a_service_with_everything_that_it_says(file: Path, taxonomy: Taxonomy) -> None:
    feed = read(file, taxonomy, GOOD)
    [service] = feed.services
    assert feed.name == "ours" and feed.refused == ()
    assert (service.id, service.source_id) == (identifier("service", "ours", "carers-together"), "carers-together")
    assert (service.name, service.organisation.name) == ("Carers Together", "Together")
    assert (service.areas, service.terms) == (("Maldon", "UK"), ("carers", "respite"))
    assert service.phones == (ServicePhone("020 7946 0101", "mornings"), ServicePhone("116 123"))
    assert service.schedules == (Schedule(("MO", "TU"), time(9, 0), END_OF_DAY),)
    assert (service.fees, service.minimum_age, service.maximum_age) == ("Free", 18, 99)
    assert (service.source_date, service.assured_date) == ("seen November 2026", date(2026, 11, 20))


def test_what_need_not_be_said_may_be_left_out(file: Path, taxonomy: Taxonomy) -> None:
    needed = ("id", "name", "organisation", "offer", "area", "tags", "status", "confidence", "source")
    [service] = read(file, taxonomy, {key: GOOD[key] for key in needed}).services
    assert service.phones == () and service.schedules == () and not service.is_shown


def test_what_is_said_twice_counts_once(file: Path, taxonomy: Taxonomy) -> None:
    doubled = GOOD | {"area": ["Maldon", "Maldon"], "tags": ["carers", "carers"]}
    [service] = read(file, taxonomy, doubled).services
    assert (service.areas, service.terms) == (("Maldon",), ("carers",))


def opening(**more: Any) -> dict[str, Any]:
    return {"opening": [{"days": "MO", "opens": "09:00", "closes": "17:00"} | more]}


@pytest.mark.parametrize(
    ("slip", "reason"),
    [
        ({"id": "Carers Together"}, "id: "),
        ({"id": "x" * 121}, "id: "),
        ({"name": ""}, "name: "),
        ({"offer": None}, "offer: "),
        ({"tag": ["carers"]}, "tag: "),
        ({"area": []}, "area: "),
        ({"area": ["Atlantis"]}, "we do not know the area 'Atlantis'"),
        ({"tags": ["caring"]}, "the tag 'caring' is not in taxonomy.yml"),
        ({"phones": [{"number": "12345"}]}, "'12345' is no number that can be rung"),
        ({"phones": [{"number": "see website"}]}, "'see website' is no number that can be rung"),
        ({"url": "care.example"}, "url: "),
        ({"minimum_age": 130}, "minimum_age: "),
        ({"minimum_age": 65, "maximum_age": 18}, "nobody is from 65 to 18 years old"),
        ({"status": "open"}, "status: "),
        ({"confidence": "certain"}, "confidence: "),
        ({"source": {}}, "source.date: "),
        ({"assured_date": "last week"}, "assured_date: "),
        (opening(days="Monday"), "'Monday' has a day that is none of MO, TU"),
        (opening(days="MO,XX"), "'MO,XX' has a day that is none of"),
        (opening(closes="08:00"), "it closes (08:00) before it opens (09:00)"),
        (opening(closes="09:00"), "it closes (09:00) before it opens (09:00)"),
        (opening(opens="9am"), "'9am' is no time such as 08:45"),
        (opening(opens="08:45Z"), "'08:45Z' is no time such as 08:45"),
        (opening(opens=31500), "'31500' is no time such as 08:45"),
        (opening(opens="25:00"), "opening.0.opens: "),
    ],
)
def test_a_record_with_a_slip_is_refused_with_its_reason_and_the_others_are_taken(
    file: Path, taxonomy: Taxonomy, slip: dict[str, Any], reason: str
) -> None:
    feed = read(file, taxonomy, {**GOOD, **slip}, GOOD | {"id": "another", "name": "Another"})
    assert [service.source_id for service in feed.services] == ["another"]
    [refused] = feed.refused
    assert reason in refused.reason
    assert refused.record == (slip.get("id") or "carers-together")


def test_the_second_record_of_one_id_is_refused(file: Path, taxonomy: Taxonomy) -> None:
    feed = read(file, taxonomy, GOOD, GOOD | {"name": "Another"})
    assert [service.name for service in feed.services] == ["Carers Together"]
    assert [one.reason for one in feed.refused] == ["another record has the same id"]


def test_a_refused_record_without_an_id_is_named_by_its_name_or_its_place(file: Path, taxonomy: Taxonomy) -> None:
    assert [one.record for one in read(file, taxonomy, {"name": "Nameless"}, {}).refused] == ["Nameless", "record 2"]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"services": []}', '{"feed": "ours"}', '{"feed": "Our file", "services": []}',
     '{"feed": "ours", "services": [1]}', '{"feed": "ours", "services": [], "more": 1}', "\xff"],
)  # fmt: skip
def test_what_is_no_file_of_services_is_refused_as_a_whole(file: Path, taxonomy: Taxonomy, text: str) -> None:
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(CannotReadServices, match="is no file of services"):
        read_services_file(file, taxonomy, AREAS)


def test_a_file_that_is_not_there_or_is_a_folder_is_said_to_be_so(file: Path, taxonomy: Taxonomy) -> None:
    for path in (file, file.parent):
        with pytest.raises(CannotReadServices, match="cannot be opened"):
            read_services_file(path, taxonomy, AREAS)


@pytest.mark.parametrize(
    ("number", "can_be_rung"),
    [
        ("020 7946 0101", True), ("+44 20 7946 0101", True), ("999", True), ("111", True), ("116 123", True),
        ("0800 1111", True), ("12", False), ("01245", False), ("", False), ("ask", False), ("1" * 300, False),
    ],
)  # fmt: skip
def test_only_what_can_be_rung_is_a_number(number: str, can_be_rung: bool) -> None:
    assert is_dialable(number) is can_be_rung


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("020 7946 0101", "020 7946 0101"),
        ("Tel: 020 7946 0101 (mornings only, please)", "020 7946 0101"),
        ("020 7946 0101 or 020 7946 0102", "020 7946 0101"),
        ("020-7946-0101", "020 7946 0101"),
        ("116 123", "116 123"),
        ("see website", None),
        ("", None),
    ],
)
def test_a_number_is_found_among_the_words_around_it(words: str, number: str | None) -> None:
    assert as_dialled(words) == number


TAXONOMY = """name: Needs
description: Kinds of help.
terms:
  carers:
    name: caring
    description: Carers.
    words: [carers group]
  food:
    name: food
    description: Food.
    words: [food bank]
topics:
  respite: [carers]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "content" / "services").mkdir(parents=True)
    (tmp_path / "content" / "services" / "taxonomy.yml").write_text(TAXONOMY)
    return tmp_path / "content"


def problems(folder: Path) -> list[str]:
    with pytest.raises(ContentError) as caught:
        load_taxonomy(folder, {"respite": None})
    assert all(problem.file == "content/services/taxonomy.yml" for problem in caught.value.problems)
    assert all(problem.what_to_do for problem in caught.value.problems)
    return [str(problem) for problem in caught.value.problems]


def test_a_good_taxonomy_is_read(folder: Path) -> None:
    taxonomy = load_taxonomy(folder, {"respite": None})
    assert taxonomy.terms["carers"].words == ("carers group",)
    assert taxonomy.terms_of_topic == {"respite": ("carers",)}


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ("  respite: [carers]", "  {}", "respite", "This topic of the guide is not under 'topics'"),
        ("  respite:", "  respite: []\n  gone:", "gone", "The guide has no such topic"),
        ("[carers]", "[caring]", "respite", "There is no term 'caring'"),
        ("[food bank]", "[carers group]", "food", "'carers group' already belongs to 'carers'"),
        ("    name: food\n", "", "terms, food, name", "This is missing"),
        ("    name: food", "    naem: food\n    name: food", "terms, food, naem", "I do not know this word"),
        ("[food bank]", "[]", "terms, food, words", "This list is empty"),
        ("name: Needs", "name: Needs: all", "line 1", "This is not written as YAML"),
    ],
)
def test_a_slip_in_the_taxonomy_is_named_in_plain_words_with_its_cure(
    folder: Path, old: str, new: str, where: str, what: str
) -> None:
    path = folder / "services" / "taxonomy.yml"
    path.write_text(path.read_text().replace(old, new).replace("topics:\n  {}", "topics: {}"))
    assert [problem for problem in problems(folder) if f", {where}: {what}" in problem]


def test_every_slip_in_the_taxonomy_is_named_and_a_missing_file_too(folder: Path) -> None:
    path = folder / "services" / "taxonomy.yml"
    path.write_text(TAXONOMY.replace("[carers]", "[caring, cooking]").replace("[food bank]", "[carers group]"))
    assert len(problems(folder)) == 3
    path.unlink()
    assert problems(folder) == ["content/services/taxonomy.yml: This file is missing. Put it back."]


def test_no_record_of_the_shipped_files_is_refused(content: Content) -> None:
    for path in SERVICES.glob("*.json"):
        assert read_feed(content, str(path), date(2026, 11, 23)).refused == ()


def test_every_district_has_shown_services_and_every_term_has_one_somewhere(content: Content) -> None:
    feed = read_services_file(SERVICES / "essex.json", content.taxonomy, areas_of(content))
    shown = [service for service in feed.services if service.is_shown]
    by_area = Counter(area for service in shown for area in service.areas)
    assert set(by_area) >= areas_of(content)
    without = set(content.taxonomy.terms) - {term for service in shown for term in service.terms}
    assert without == WITHOUT_A_SERVICE


def test_the_example_for_people_who_add_a_service_is_a_good_record(content: Content, tmp_path: Path) -> None:
    page = (REPOSITORY / "docs" / "add" / "a-service.md").read_text()
    example = page[page.index("    {\n") : page.index("    }\n") + 6]
    path = tmp_path / "example.json"
    path.write_text(f'{{"feed": "example", "services": [{example}]}}')
    feed = read_services_file(path, content.taxonomy, areas_of(content))
    assert feed.refused == () and feed.services[0].is_shown


def test_our_own_services_have_no_mistakes_of_wording(content: Content) -> None:
    feed = read_feed(content, str(REPOSITORY / "content" / "services" / "essex.json"), date(2026, 11, 23))
    assert wording_problems("essex.json", feed) == []


def test_a_number_that_is_not_among_its_phones_and_a_letter_that_no_text_carries_are_named(
    file: Path, taxonomy: Taxonomy
) -> None:
    record = {**GOOD, "offer": "Ring 01245 999888 for a caf\u00eb \u2013 free."}
    found = [str(problem) for problem in wording_problems("f", read(file, taxonomy, record))]
    assert len(found) == 2
    assert any("01245 999888" in problem for problem in found)
