"""What was typed becomes the words that were meant, for any text at all and in linear work."""

import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from helpline.domain.normalise import Speller, plain, spoken, views

SPELLER = Speller(
    ["kill", "myself", "suicidal", "breathe", "unconscious", "hit", "hitting", "die", "want", "strangled", "cannot"],
    ["i", "to", "me", "he"],
)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("STOP!!", "stop"),
        ("  Hello,   World. ", "hello world"),
        ("Can\u2019t", "cant"),
        ("C\u0430n't", "cant"),
        ("caf\u00e9", "cafe"),
        ("\uff33\uff34\uff2f\uff30", "stop"),
        ("st\u200bop", "stop"),
        ("2", "2"),
        ("\u0645\u0631\u062d\u0628\u0627", "\u0645\u0631\u062d\u0628\u0627"),
        ("", ""),
        ("...", ""),
    ],
)
def test_plain(written: str, expected: str) -> None:
    assert plain(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Im gonna go 2 bed. cnt sleep", "i am going to go to bed . cannot sleep"),
        ("I can not", "i cannot"),
        ("he's not mum's", "he is not mum"),
        ("I'll kill my self", "i will kill myself"),
        ("kms 2nite", "kill myself tonight"),
        ("2", "2"),
        ("I am 2", "i am 2"),
    ],
)
def test_spoken(written: str, expected: str) -> None:
    assert spoken(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("k i l l myself", "kill myself"),
        ("k.i.l.l me", "kill me"),
        ("k1ll", "kill"),
        ("k!ll me", "kill me"),
        ("killlll", "kill"),
        ("iwanttodie", "i want to die"),
        ("sucidal", "suicidal"),
        ("unconcious", "unconscious"),
        ("hittin", "hitting"),
        ("brthe", "breathe"),
        ("ki ll myself", "kill myself"),
        ("t okill", "to kill"),
        ("hti me", "hit me"),
        ("and im on the a12", "and i am on the a12"),
        ("shes 12yo, since the 3rd, at 1am", "she is 12yo since the 3rd at 1am"),
        ("i shant be long", "i shall not be long"),
        ("ive ritten it an she wudnt look", "i have written it and she would not look"),
        ("an old man has an appointment", "an old man has an appointment"),
    ],
)
def test_repaired_view(written: str, expected: str) -> None:
    assert views(written, SPELLER)[-1] == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("and im here", "and i am here"),
        ("and ive had it", "and i have had it"),
        ("i am a carer", "i am a carer"),
        ("as im told", "as i am told"),
    ],
)
def test_no_letter_moves_between_two_words_that_both_mean_something(written: str, expected: str) -> None:
    assert views(written, Speller(["dim", "dive", "ma", "sim"]))[-1] == expected


@pytest.mark.parametrize("word", ["bill", "hint", "skill", "diet", "therapist", "kiln", "Hitchin", "Basildon"])
def test_an_ordinary_word_is_not_turned_into_a_danger(word: str) -> None:
    assert not {"kill", "hit", "die", "rapist"} & set(views(word, SPELLER)[-1].split())


def test_the_same_reading_is_not_given_twice() -> None:
    assert views("blue badge", SPELLER) == ("blue badge",)


ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))


@settings(max_examples=400, deadline=None)
@given(ANY_TEXT)
@example("\ud800")
@example("\x00\x00")
@example("\u202e\u05d0\u05d1")
@example("'" * 50)
@example("!*+" * 20)
@example("\ufdfa" * 20)
def test_nothing_makes_it_raise(text: str) -> None:
    assert isinstance(plain(text), str)
    assert all(isinstance(view, str) for view in views(text, SPELLER))


@settings(max_examples=200, deadline=None)
@given(ANY_TEXT)
def test_plain_is_stable(text: str) -> None:
    assert plain(plain(text)).split() == plain(plain(plain(text))).split()


def _calls(text: str) -> int:
    """How many Python calls and lines it takes to read a text: a measure of work that no busy machine changes."""
    steps = 0

    def count(*_: object) -> object:
        nonlocal steps
        steps += 1
        return count

    views("warm up", SPELLER)
    sys.settrace(count)  # type: ignore[arg-type]
    try:
        views(text, SPELLER)
    finally:
        sys.settrace(None)
    return steps


@pytest.mark.parametrize(
    "part", ["can mum get help ", "iwanttodie", "k i l l ", "zxqvb jkwpf ", "e\u0301\u0316", "!a*b+"]
)
def test_work_grows_in_step_with_length(part: str) -> None:
    small, large = _calls(part * 60), _calls(part * 240)
    assert large <= 4.6 * small
