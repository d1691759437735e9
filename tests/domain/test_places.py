import csv
from collections import Counter
from pathlib import Path

import pytest
import symspellpy
from hypothesis import given
from hypothesis import strategies as st

from content.schema import load_content
from helpline.domain.places import AmbiguousPlace, OutOfArea, Place

CONTENT = Path(__file__).parents[2] / "content"
PLACES = CONTENT / "places"
LOADED = load_content(CONTENT)
GAZETTEER = LOADED.gazetteer
AUTHORITY_OF = LOADED.guide.authority_of_district()

with (PLACES / "outcodes.csv").open() as file:
    OUTCODES = list(csv.DictReader(file))
with (PLACES / "sectors.csv").open() as file:
    SECTORS = list(csv.DictReader(file))
with (PLACES / "towns.csv").open() as file:
    TOWNS = list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("typed", "district", "authority", "source"),
    [
        ("SS1 2AA", "Southend-on-Sea", "southend", "postcode"),
        ("ss12aa", "Southend-on-Sea", "southend", "postcode"),
        ("ss 1 2aa", "Southend-on-Sea", "southend", "postcode"),
        ("SSO 7AB", "Southend-on-Sea", "southend", "postcode"),
        ("ss0 7ab.", "Southend-on-Sea", "southend", "postcode"),
        ("C01 1AA", "Colchester", "essex", "postcode"),
        ("c015 1aa", "Tendring", "essex", "postcode"),
        ("c015", "Tendring", "essex", "outcode"),
        ("CMO 7AA", "Maldon", "essex", "postcode"),
        ("RM17 5AA", "Thurrock", "thurrock", "postcode"),
        ("my postcode is co15 2ab thanks", "Tendring", "essex", "postcode"),
        ("cm3 4", "Chelmsford", "essex", "sector"),
        ("im in rm16", "Thurrock", "thurrock", "outcode"),
        ("how do I get a blue badge in SS8", "Castle Point", "essex", "outcode"),
        ("im in southend", "Southend-on-Sea", "southend", "name"),
        ("Southend please", "Southend-on-Sea", "southend", "name"),
        ("southend way", "Southend-on-Sea", "southend", "name"),
        ("sarfend", "Southend-on-Sea", "southend", "name"),
        ("SS0 0AA", "Southend-on-Sea", "southend", "postcode"),
        ("cmo", "Maldon", "essex", "outcode"),
        ("Leigh on Sea", "Southend-on-Sea", "southend", "name"),
        ("thurock", "Thurrock", "thurrock", "name"),
        ("Chemsford", "Chelmsford", "essex", "name"),
        ("billericey", "Basildon", "essex", "name"),
        ("clakton on see", "Tendring", "essex", "name"),
        ("burnham on croutch", "Maldon", "essex", "name"),
        ("epping forrest", "Epping Forest", "essex", "name"),
        ("saffron waldon", "Uttlesford", "essex", "name"),
        ("gt baddow", "Chelmsford", "essex", "name"),
        ("south end", "Southend-on-Sea", "southend", "name"),
        ("Kelvedon Hatch", "Brentwood", "essex", "name"),
        ("kelvedon", "Braintree", "essex", "name"),
        ("mum lives in Stock", "Chelmsford", "essex", "name"),
        ("SS9, leigh on sea", "Southend-on-Sea", "southend", "name"),
    ],
)
def test_a_place_is_found(typed: str, district: str, authority: str, source: str) -> None:
    found = GAZETTEER.find(typed)
    assert isinstance(found, Place)
    assert (found.district, found.authority, found.source) == (district, authority, source)


@pytest.mark.parametrize(
    ("typed", "district"),
    [
        ("mum lives in Clacton and I'm in Harlow", "Tendring"),
        ("I live in Southend but mum is in Rayleigh", "Rochford"),
        ("my dad's in Grays and I'm in Ipswich", "Thurrock"),
        ("she's in Witham, i'm in Romford", "Braintree"),
    ],
)
def test_the_place_of_the_person_cared_for_counts_and_not_the_writers(typed: str, district: str) -> None:
    found = GAZETTEER.find(typed)
    assert isinstance(found, Place)
    assert found.district == district


@pytest.mark.parametrize(
    ("typed", "district"),
    [
        ("no, she is in Harlow", "Harlow"),
        ("no she has moved to harlow now", "Harlow"),
        ("no not Southend, Harlow", "Harlow"),
        ("in chelmsford not braintree", "Chelmsford"),
        ("sorry I meant Clacton", "Tendring"),
        ("we moved from harlow, now in Witham", "Braintree"),
    ],
)
def test_a_place_that_is_put_right_counts(typed: str, district: str) -> None:
    found = GAZETTEER.find(typed)
    assert isinstance(found, Place)
    assert found.district == district


def test_where_somebody_is_not_says_nothing_of_where_they_are() -> None:
    assert GAZETTEER.find("not braintree") is None
    assert isinstance(GAZETTEER.find("she is not coping in Braintree"), Place)


@pytest.mark.parametrize(
    ("typed", "districts", "authority"),
    [
        ("cm3", ("Chelmsford", "Maldon", "Braintree", "Uttlesford"), "essex"),
        ("CM19 5AA", None, None),
        ("SS9", ("Southend-on-Sea", "Rochford", "Castle Point"), None),
        ("ss9 5ab", ("Southend-on-Sea", "Rochford"), None),
        ("rm14", ("Thurrock", "Brentwood"), None),
        ("E4", ("Epping Forest",), None),
        ("CB9 7AA", ("Braintree",), None),
        ("CM4 9AA", ("Chelmsford", "Brentwood", "Basildon"), "essex"),
        ("my two homes are in Clacton and in Harlow", ("Harlow", "Tendring"), "essex"),
    ],
)
def test_the_council_may_be_known_when_the_district_is_not(
    typed: str, districts: tuple[str, ...] | None, authority: str | None
) -> None:
    found = GAZETTEER.find(typed)
    if districts is None:
        assert found is not None
        return
    assert isinstance(found, AmbiguousPlace)
    assert (found.districts, found.authority) == (districts, authority)


@pytest.mark.parametrize(
    ("typed", "outside"),
    [
        ("my mum lives in ipswich and needs help washing", True),
        ("how do i get a carers assessment, im in bishops stortford", True),
        ("dad has moved to Cambridge, who pays for his care", True),
        ("my sister lives in london and mum needs a carer", False),
        ("i live in London but my mum needs someone", False),
        ("the hospital in cambridge wants to send him home", False),
        ("we do not live in london, who do i ring", False),
        ("does the bus go to ipswich", False),
    ],
)
def test_who_lives_outside_the_area_may_say_so_in_passing(typed: str, outside: bool) -> None:
    assert isinstance(GAZETTEER.find(typed), OutOfArea) is outside


def test_a_place_here_counts_before_one_elsewhere() -> None:
    found = GAZETTEER.find("i live in london, my mum lives in harlow and cant wash")
    assert isinstance(found, Place) and found.district == "Harlow"


@pytest.mark.parametrize("typed", ["IP1 2AB", "SW1A 1AA", "im in romford", "London", "CM21 8AA", "B1 1AA", "IP7"])
def test_a_place_elsewhere_is_out_of_area(typed: str) -> None:
    assert isinstance(GAZETTEER.find(typed), OutOfArea)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "I need a rest in bed",
        "rest",
        "little",
        "hatch",
        "stock up on pads",
        "my name is leigh",
        "hockey",
        "stabbing pain in my chest",
        "i keep feeling low",
        "the co2 alarm is going off",
        "vitamin b12",
        "b12",
        "m25",
        "10 cm3 of water",
        "i said e4",
        "what about 3pm",
        "call me at 8AM",
        "his P60",
        "my sister lives in London",
        "dad is in Basildon hospital",
        "they are sending mum home from basildon tomorrow",
        "the southern bus",
        "essex",
        "send me the form",
        "the cmo said so",
        "a blue collar job",
    ],
)
def test_ordinary_words_are_no_place(typed: str) -> None:
    assert GAZETTEER.find(typed) is None


@pytest.mark.parametrize(
    ("typed", "whole"),
    [
        ("ss1 2aa", True),
        ("im in southend", True),
        ("Southend please", True),
        ("It's Harlow, thanks", True),
        ("mum lives in Clacton", True),
        ("what help is there in Southend", False),
        ("ss1 2aa blue badge", False),
        ("Southend 2", False),
    ],
)
def test_it_is_told_whether_the_message_says_nothing_else(typed: str, whole: bool) -> None:
    found = GAZETTEER.find(typed)
    assert isinstance(found, Place)
    assert found.whole_message is whole


def test_no_common_english_word_is_taken_for_a_town() -> None:
    # Surnames and foreign towns that are also the likeliest misspellings of an Essex town.
    taken_on_purpose = {
        "raleigh",
        "rockford",
        "roswell",
        "leiden",
        "leyden",
        "tilburg",
        "mersey",
        "laughton",
        "bentwood",
    }
    names = {row["name"].casefold() for row in TOWNS} | {district.casefold() for district in AUTHORITY_OF}
    dictionary = Path(symspellpy.__file__).parent / "frequency_dictionary_en_82_765.txt"
    words = [line.split()[0] for line in dictionary.read_text(encoding="utf-8-sig").splitlines()[:20_000]]
    taken = {
        word
        for word in words
        if word not in names | taken_on_purpose and GAZETTEER.find(f"she has {word} again") is not None
    }
    assert taken == set()


@pytest.mark.parametrize("row", [row for row in OUTCODES if row["rule"] == "single"], ids=lambda row: row["outcode"])
def test_an_outward_code_of_one_district_is_enough(row: dict[str, str]) -> None:
    found = GAZETTEER.find(f"I live in {row['outcode'].lower()}")
    assert isinstance(found, Place)
    assert found.district == row["districts"]


def test_a_full_postcode_is_never_placed_in_a_district_that_its_sector_does_not_touch() -> None:
    for row in SECTORS:
        found = GAZETTEER.find(f"{row['sector']}AA")
        if isinstance(found, Place):
            assert found.district == row["districts"].split("|")[0]
        else:
            assert isinstance(found, AmbiguousPlace)
            assert set(found.districts) <= set(row["districts"].split("|"))


def test_how_many_postcodes_get_the_right_council() -> None:
    right: Counter[str] = Counter()
    for row in SECTORS:
        found = GAZETTEER.find(f"{row['sector']}AA")
        authority = found.authority if isinstance(found, Place | AmbiguousPlace) else None
        for district, count in zip(row["districts"].split("|"), map(int, row["counts"].split("|")), strict=True):
            told = "asked" if authority is None else "right" if AUTHORITY_OF[district] == authority else "wrong"
            right[told] += count
    assert right["wrong"] / right.total() < 0.001
    assert right["right"] / right.total() > 0.90


def test_every_town_of_the_table_is_found_by_its_name() -> None:
    assert len([row for row in TOWNS if row["district"]]) >= 120
    for row in TOWNS:
        found = GAZETTEER.find(row["name"])
        if row["district"]:
            assert isinstance(found, Place), row["name"]
            assert found.district == row["district"]
        else:
            assert isinstance(found, OutOfArea), row["name"]


@given(st.text(max_size=300))
def test_anything_can_be_typed(text: str) -> None:
    GAZETTEER.find(text)
