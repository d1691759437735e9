"""What somebody looks for, read out of their own words."""

import pytest

from helpline.domain.directory import Taxonomy, Term
from helpline.domain.seeking import age_in, says_any, terms_in, terms_of_topics

TAXONOMY = Taxonomy(
    "Needs",
    "Kinds of help.",
    {
        "carers": Term("carers", "caring", "Carers.", ("carers group", "carer's assessment")),
        "dementia": Term("dementia", "dementia", "Dementia.", ("dementia", "memory cafe")),
        "food": Term("food", "food", "Food.", ("food bank",)),
        "rest": Term("rest", "rest", "Rest.", ("rest",)),
    },
    {"falls": (), "dementia": ("dementia", "carers")},
    near=("near me",),
)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("carers group near maldon", ("carers",)),
        ("Any CARERS' GROUPS, please?", ("carers",)),
        ("carer\u2019s assessment", ("carers",)),
        ("food banks in Harlow", ("food",)),
        ("carers group for dementia", ("carers", "dementia")),
        ("memory caf\u00e9", ("dementia",)),
        ("where is the best restaurant for breakfast", ()),
        ("the rest of it", ("rest",)),
        ("hello", ()),
        ("", ()),
    ],
)
def test_terms_are_found_by_whole_words_and_the_longest_comes_first(text: str, terms: tuple[str, ...]) -> None:
    assert terms_in(TAXONOMY, text) == terms


def test_of_several_topics_the_first_that_any_service_helps_with_counts() -> None:
    assert terms_of_topics(TAXONOMY, ["unknown", "falls", "dementia"]) == ("dementia", "carers")
    assert terms_of_topics(TAXONOMY, ["falls"]) == ()
    assert terms_of_topics(TAXONOMY, []) == ()


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("my mum is 85", 85),
        ("mum, 85 years old", 85),
        ("a 15yo young carer", 15),
        ("im 17 and look after my dad", 17),
        ("She's 90.", 90),
        ("aged 67", 67),
        ("he's nearly 70", 70),
        ("my son is 8 years old", 8),
        ("i have cared for mum for 10 years", None),
        ("been waiting nearly 5 years", None),
        ("dad died 3 years ago", None),
        ("the baby is 18 months", None),
        ("is 5 pm too late", None),
        ("the nearest is 10 miles away", None),
        ("the bus is 20 minutes late", None),
        ("rent is 90 pounds", None),
        ("the number is 01245 356123", None),
        ("she is 150", None),
        ("carers group", None),
    ],
)
def test_an_age_is_only_what_is_said_to_be_one(text: str, age: int | None) -> None:
    assert age_in(text) == age


@pytest.mark.parametrize(
    ("text", "says"),
    [("Anything near me?", True), ("NEAR ME", True), ("near mersea", False), ("me near", False), ("", False)],
)
def test_a_phrase_is_found_only_as_whole_words(text: str, says: bool) -> None:
    assert says_any(text, TAXONOMY.near) is says
