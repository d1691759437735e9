"""The first gate: what it must catch, what it must leave alone, and that it never fails."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from content.safety_schema import load_safety
from helpline.domain.safety import Danger, SafetyScanner, reply, safe_scan

CONTENT = load_safety(Path(__file__).resolve().parents[2] / "content" / "safety")
SCANNER = SafetyScanner(CONTENT)

DANGERS = {
    "suicide": [
        ("I am going to kill myself", "me"),
        ("i want to die", "me"),
        ("wnt 2 die", "me"),
        ("kms", "me"),
        ("I feel suicidal", "me"),
        ("there's no point in living", "me"),
        ("My son says he will hang himself", "someone"),
        ("Mum wants to die, she told me this morning", "someone"),
        ("chc\u0119 umrze\u0107", "me"),
        ("ich will nicht mehr leben, ich will sterben", "me"),
    ],
    "self-harm": [
        ("I keep cutting myself", "me"),
        ("i want to hurt myself", "me"),
        ("My daughter is self-harming", "someone"),
        ("He slashed his wrists", "someone"),
    ],
    "medical-emergency": [
        ("He has stopped breathing", "someone"),
        ("I can't breathe", "me"),
        ("mum's face has dropped", "someone"),
        ("she is unconscious", "someone"),
        ("I've taken an overdose", "me"),
        ("he took a whole packet of paracetamol", "someone"),
        ("there is blood everywhere", "unknown"),
        ("the house is on fire", "unknown"),
        ("what do I do he is having a fit", "someone"),
        ("What do I do, mum is having a stroke", "someone"),
        ("she fell last week and now she can't breathe", "someone"),
    ],
    "abuse-of-adult": [
        ("The carer hits my nan", "someone"),
        ("Staff leave him in a soiled bed", "someone"),
        ("my nephew is stealing from my aunt", "someone"),
        ("My carer hits me", "me"),
        ("they lock me in", "me"),
    ],
    "abuse-of-child": [
        ("My stepdad hits me", "me"),
        ("I'm 12 and my dad hits me every night", "me"),
        ("I think the little girl next door is being abused", "someone"),
        ("he shook the baby", "someone"),
    ],
    "domestic-abuse": [
        ("my husband hits me", "me"),
        ("I'm scared of my partner", "me"),
        ("please stop him hes got a knife", "me"),
        ("STOP IT HE IS HURTING ME", "me"),
        ("her boyfriend beats her", "someone"),
        ("no he hits me", "me"),
        ("he hits me lol", "me"),
        ("in case you wonder my wife punched me", "me"),
    ],
    "carer-breaking-point": [
        ("I can't go on", "me"),
        ("cant cope any more", "me"),
        ("I'm frightened I'll hurt him", "me"),
        ("I slapped mum", "me"),
        ("I am at breaking point", "me"),
        ("my sister is about to have a breakdown", "someone"),
    ],
}

IDIOMS = [
    "dying for a cuppa",
    "that film finished me off",
    "these shoes are torture",
    "I could murder a curry",
    "my phone is dead",
    "bored to death",
    "he beats me at chess",
    "mum had a fit of giggles",
    "over my dead body",
    "cut myself shaving",
    "it hit me how tired I was",
    "we pushed mum round the park in her wheelchair",
    "shook his hand",
    "I can't go on holiday",
    "I can't do this on my phone",
    "I have had enough of this weather",
    "mum wants to die in her own bed not in hospital",
]
QUESTIONS = [
    "what counts as an emergency?",
    "what are the signs of a stroke",
    "how do I know if someone is having a heart attack",
    "what is domestic abuse",
    "what is the suicide helpline",
    "should you call an ambulance for a fall",
    "how do I report abuse of an adult",
    "training on spotting self harm",
    "can mum get a blue badge",
    "who pays for a care home",
]
NEGATED = [
    "I'm not suicidal",
    "I am not going to kill myself",
    "he doesn't hit me",
    "I would never hurt her",
    "she never hits me",
    "I am not thinking about suicide",
    "He has not collapsed",
]
PAST = [
    "dad had a heart attack five years ago",
    "mum had a stroke in 2019",
    "I used to cut myself",
    "my brother took his own life",
    "he had fits as a child",
    "my friend killed himself in 2010 and I miss him",
]
STORIES = [
    "I watched a film about a man who wants to die",
    "the news said a child was beaten",
    "a documentary about being suicidal",
    "that book is about a girl whose boyfriend beats her",
]


@pytest.mark.parametrize(
    ("kind", "text", "who"), [(kind, text, who) for kind, rows in DANGERS.items() for text, who in rows]
)
def test_danger_is_found_with_its_kind_and_person(kind: str, text: str, who: str) -> None:
    danger = SCANNER.scan(text)
    assert danger is not None
    assert (danger.kind, danger.who, danger.tier, danger.joined) == (kind, who, 1, False)


@pytest.mark.parametrize("text", [*IDIOMS, *QUESTIONS, *NEGATED, *PAST, *STORIES])
def test_ordinary_talk_is_left_alone(text: str) -> None:
    assert SCANNER.scan(text) is None


@pytest.mark.parametrize("text", [row[0] for rows in DANGERS.values() for row in rows])
def test_danger_is_found_behind_a_service_question_and_in_a_long_message(text: str) -> None:
    question = "Can you tell me how to renew a blue badge? "
    assert SCANNER.scan(f"{question}{text}. Thank you.")
    assert SCANNER.scan(f"{question * 100}{text}. {question * 130}")


@pytest.mark.parametrize(
    "text",
    [
        "k i l l myself",
        "I want to k.i.l.l m.y.s.e.l.f",
        "i  w a n t  t o  d i e",
        "i w a n t t o d i e",
        "I want to k1ll myself",
        "iwanttodie",
        "I want to dieeeee",
        "I want to k\u0456ll mys\u0435lf",
        "\uff29 \uff57\uff41\uff4e\uff54 \uff54\uff4f \uff44\uff49\uff45",
        "i am sucidal",
        "im goin 2 kill miself 2nite",
        "i want to d\u200bi\u200be",
    ],
)
def test_disguised_and_misspelt_danger_is_found(text: str) -> None:
    danger = SCANNER.scan(text)
    assert danger is not None
    assert danger.kind == "suicide"


@pytest.mark.parametrize(
    ("recent", "text"),
    [
        (["I am going to kill"], "myself"),
        (["my husband"], "hits me when he drinks"),
        (["hello", "I want to ki"], "ll myself"),
        (["he has stopped"], "breathing"),
        (["I want", "to"], "die"),
    ],
)
def test_danger_split_over_texts_is_found(recent: list[str], text: str) -> None:
    danger = SCANNER.scan(text, recent)
    assert danger is not None
    assert danger.joined


@pytest.mark.parametrize("text", ["ok", "thank you", "how do I get a blue badge", "no", "STOP"])
def test_a_danger_in_an_earlier_text_is_not_reported_again(text: str) -> None:
    assert SCANNER.scan(text, ["I want to die", "please help"]) is None
    assert SCANNER.scan(text, ["I want to die"]) is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("I want to die, I've taken all my tablets", "medical-emergency"),
        ("I can't cope any more and I want to die", "suicide"),
        ("My husband hits me and I am suicidal", "suicide"),
        ("My husband hits me and he hits the baby", "abuse-of-child"),
    ],
)
def test_the_gravest_of_several_dangers_is_answered(text: str, kind: str) -> None:
    danger = SCANNER.scan(text)
    assert danger is not None
    assert danger.kind == kind


def test_a_danger_names_the_rule_and_never_the_words() -> None:
    ids = {rule.id for kind in CONTENT.kinds for rule in kind.rules}
    danger = SCANNER.scan("Sunita says my husband Gerald hits me")
    assert danger is not None
    assert danger.rule in ids
    assert "gerald" not in repr(danger).lower()


class _Broken(SafetyScanner):
    def scan(self, text: str, recent: Sequence[str] = ()) -> Danger | None:
        raise RuntimeError(text)


def test_a_failing_scanner_gives_the_general_safe_reply() -> None:
    danger = safe_scan(_Broken(CONTENT), "hello")
    assert danger is not None
    assert danger.kind == "unknown"
    for channel in ("sms", "chat"):
        text = reply(CONTENT, danger, channel, None, "A person reads this tomorrow.")
        assert "999" in text
        assert "A person reads this tomorrow." in text


def test_a_working_scanner_is_not_in_the_way() -> None:
    assert safe_scan(SCANNER, "blue badge") is None
    found = safe_scan(SCANNER, "die", ["I want to"])
    assert found is not None
    assert found.joined


def test_an_unknown_kind_or_place_still_gets_an_answer() -> None:
    danger = Danger("a-kind-since-removed", 1, "me", "x", False)
    assert "999" in reply(CONTENT, danger, "pigeon", "atlantis", "")


def test_the_council_of_the_place_or_all_three() -> None:
    danger = Danger("abuse-of-adult", 1, "someone", "x", False)
    phones = CONTENT.values["thurrock"]
    thurrock = reply(CONTENT, danger, "sms", "thurrock", "")
    assert phones["thurrock-adult-social-care"] in thurrock
    assert phones["essex-adult-social-care"] not in thurrock
    unknown = reply(CONTENT, danger, "sms", None, "")
    for council in ("essex", "southend", "thurrock"):
        assert phones[f"{council}-adult-social-care"] in unknown


def test_what_people_read_is_never_taken_for_a_placeholder() -> None:
    danger = Danger("suicide", 1, "me", "x", False)
    assert "{shout}" in reply(CONTENT, danger, "sms", None, "We read {shout}.")


@settings(max_examples=300, deadline=None)
@given(st.text(), st.lists(st.text(), max_size=3))
@example("\ud800\udfff\x00", ["\u202ekill"])
@example("e" + "\u0301\u0316" * 500, [])
def test_scan_never_raises(text: str, recent: list[str]) -> None:
    SCANNER.scan(text, recent)


_PIECES = st.sampled_from(
    [row[0] for rows in DANGERS.values() for row in rows] + IDIOMS + QUESTIONS + NEGATED + ["and", "but", ".", "ok"]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(_PIECES, min_size=1, max_size=4).map(" ".join))
def test_capitals_and_spaces_never_hide_a_danger(text: str) -> None:
    if SCANNER.scan(text):
        assert SCANNER.scan(text.upper())
        assert SCANNER.scan("  " + text.replace(" ", "   ") + "\n")


def test_ten_thousand_characters_are_read() -> None:
    danger = SCANNER.scan("blah " * 2000 + "I want to die")
    assert danger is not None
    assert danger.kind == "suicide"
    assert SCANNER.scan("a" * 10_000) is None
