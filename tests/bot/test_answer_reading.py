"""A pending question reads its own answer, whatever a classifier would make of it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from components.answer_reading import command_in, place_is_all, read_answer

PLACES = ["essex", "southend", {"id": "thurrock", "label": "Thurrock council", "accept": ["grays"]}]


def answer(text: str, **expects: Any) -> Any:
    return read_answer(text, {"expects": expects})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("y", "yes"),
        ("YES!", "yes"),
        ("Yes.", "yes"),
        ("yesss", "yes"),
        ("yeah thanks", "yes"),
        ("👍", "yes"),
        ("yeah it did thank you love", "yes"),
        ("definitly", "yes"),
        ("ok", "yes"),
        ("it did", "yes"),
        ("NO.", "no"),
        ("n", "no"),
        ("nope", "no"),
        ("noooo", "no"),
        ("no thanks", "no"),
        ("it didn't", "no"),
        ("no it didnt", "no"),
        ("well no", "no"),
        ("not yet", "no"),
        ("No. Thank you", "no"),
    ],
)
def test_plain_yes_and_no(text: str, value: str) -> None:
    found = answer(text, kind="yes_no")
    assert (found.value, found.partly, found.says_more) == (value, False, False)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a bit", "yes"),
        ("sort of", "yes"),
        ("yes it helped a bit", "yes"),
        ("not really", "no"),
        ("no not really", "no"),
    ],
)
def test_half_hearted_answers_are_marked(text: str, value: str) -> None:
    found = answer(text, kind="yes_no", about="helped")
    assert (found.value, found.partly, found.says_more) == (value, True, False)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no but how much is it", "no"),
        ("Yes, what about my dad?", "yes"),
        ("no i want to talk to a person", "no"),
        ("no heating", "no"),
        ("yes and she fell again last night in the bathroom", "yes"),
    ],
)
def test_an_answer_that_says_more_is_left_to_the_classifier(text: str, value: str) -> None:
    found = answer(text, kind="yes_no")
    assert found.value == value
    assert found.says_more


@pytest.mark.parametrize(
    "text",
    [
        "no one comes",
        "no problem",
        "i have fallen",
        "i am frightened",
        "dont know",
        "yes no",
        "is it free",
        "",
        "please help me",
        "how much",
        "no idea",
        "never mind",
        "it was the carer",
    ],
)
def test_what_only_looks_like_yes_or_no_is_neither(text: str) -> None:
    assert answer(text, kind="yes_no") is None


def test_thanks_is_a_yes_only_when_asked_whether_it_helped() -> None:
    assert answer("thanks", kind="yes_no", about="helped").value == "yes"
    assert answer("useless", kind="yes_no", about="helped").value == "no"
    assert answer("thanks", kind="yes_no", about="wants-a-call") is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2", "southend"),
        ("2.", "southend"),
        ("two.", "southend"),
        ("option 1", "essex"),
        ("the first one", "essex"),
        ("last one", "thurrock"),
        ("Southend", "southend"),
        ("southand", "southend"),
        ("essex please", "essex"),
        ("grays", "thurrock"),
        ("Thurrock council", "thurrock"),
        ("number 3", "thurrock"),
        ("one", "essex"),
    ],
)
def test_a_choice_by_place_word_or_near_word(text: str, value: str) -> None:
    assert answer(text, kind="choice", options=PLACES).value == value


@pytest.mark.parametrize("text", ["7", "0", "can i get a badge", "b", "1 and 2", "", "southend essex"])
def test_no_choice_is_made_for_somebody(text: str) -> None:
    assert answer(text, kind="choice", options=PLACES) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4", 4),
        ("four", 4),
        ("about a 3", 3),
        ("2/5", 2),
        ("3 out of 5", 3),
        ("I'd say 2 today", 2),
        ("fiev", 5),
        ("6", None),
        ("10", None),
        ("bad", None),
        ("1 or 2", None),
        ("²", None),
    ],
)
def test_a_number_on_a_scale(text: str, value: int | None) -> None:
    found = answer(text, kind="scale")
    assert (found.value if found else None) == value


def test_a_scale_with_words_gives_the_place_of_the_word() -> None:
    assert answer("tuogh", kind="scale", options=["OK", "tough", "I need help"]).value == 2


def test_free_words_are_the_answer_unless_they_ask() -> None:
    assert not answer("it was awful", kind="text").says_more
    assert answer("how do i get a blue badge?", kind="text").says_more


HOSTILE: list[Any] = [
    None,
    [],
    "x",
    5,
    {"expects": 5},
    {"expects": None},
    {"expects": {}},
    {"expects": {"kind": ["x"]}},
    {"expects": {"kind": {}}},
    {"expects": {"kind": "choice", "options": {"a": 1}}},
    {
        "expects": {
            "kind": "choice",
            "options": [None, {"id": {}}, 3.5, True, {"id": "a", "label": 5, "accept": 5}],
        }
    },
    {"expects": {"kind": "choice", "options": ["", " ", "\x00", "x" * 10_000]}},
    {"expects": {"kind": "choice", "options": "essex"}},
    {"expects": {"kind": "choice", "options": ["a"] * 10_000}},
    {"expects": {"kind": "scale", "min": float("nan"), "max": float("inf")}},
    {"expects": {"kind": "scale", "min": 10**400, "max": "5"}},
    {"expects": {"kind": "yes_no", "about": [1]}},
    {"command": ["menu"]},
    {"command": {}},
    {"place": "x"},
    {"place": {"whole_message": "true"}},
]


@pytest.mark.parametrize("metadata", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("text", [None, 5, "", "yes", "1", "no " * 5000, "\ud800", "شكرا", "😀", "\x00", "?" * 200])
def test_odd_metadata_never_raises(metadata: Any, text: Any) -> None:
    read_answer(text, metadata)
    assert command_in(metadata) is None
    assert place_is_all(metadata) is False


def test_random_replies_never_raise() -> None:
    rng = random.Random(3)
    pieces = [
        "yes",
        "no",
        "1",
        "two",
        "a bit",
        "?",
        "/",
        " ",
        "'",
        "😀",
        "option",
        "\n",
        "why",
        "0x",
        "½",
        "-",
        "not",
    ]
    for _ in range(3000):
        text = "".join(rng.choice(pieces) + rng.choice(["", " "]) for _ in range(rng.randrange(8)))
        for kind in ("yes_no", "choice", "scale", "text"):
            answer(text, kind=kind, options=["a", "b"] if kind == "choice" else None, about="helped")


def test_only_known_commands_count() -> None:
    assert command_in({"command": "menu"}) == "menu"
    assert command_in({"command": "restart"}) is None


@pytest.mark.parametrize("text", ["and is it free", "is it free", "free?"])
def test_asking_whether_it_is_free_chooses_nothing(text: str) -> None:
    assert read_answer(text, {"expects": {"kind": "choice", "about": "service", "options": ["a", "b", "c"]}}) is None
