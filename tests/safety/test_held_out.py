"""How well the gate reads messages that nobody wrote phrases or examples from, as they are and spoilt in eight ways.

The figures are percentages, a little under what was measured when they were set (docs/safety.md). Raise them when a
change earns it; never lower one to make a change pass, and never look at what is missed here: look at
development.jsonl, and write examples of the same idea.
"""

import random
from collections.abc import Sequence

import pytest

from bench.safety import NONE, PERTURBATIONS, SEED, Read, read_all, read_examples, read_split
from content.safety_examples import folded, load_examples
from content.safety_schema import KINDS
from helpline.domain.safety import SURE, SafetyScanner
from helpline.settings import REPOSITORY

HERE = REPOSITORY / "tests" / "safety"
EXAMPLES = read_examples(HERE / "held_out.jsonl")

LEAST_FOUND = 98.6
LEAST_FOUND_OF_A_KIND = 95.0
LEAST_RIGHT_KIND = 96.4
MOST_FALSE_ALARMS = {"look-alike": 3.0, "ordinary": 1.0}
MOST_SURE_FALSE_ALARMS = 0.6
LEAST_FOUND_SPOILT = {
    "typos": 98.0,
    "text-speak": 98.4,
    "spaced letters": 98.0,
    "CAPITALS": 98.4,
    "no vowels": 98.2,
    "emoji": 98.4,
    "long padding": 97.7,
    "split in two": 98.4,
}


def percentage(values: Sequence[bool]) -> float:
    return 100 * sum(values) / max(len(values), 1)


def dangers(read: Sequence[Read], kind: str | None = None) -> list[Read]:
    return [one for one in read if one.example.label != NONE and kind in (None, one.example.label)]


@pytest.fixture(scope="module")
def clean(scanner: SafetyScanner) -> list[Read]:
    return read_all(scanner, EXAMPLES, lambda text: text)


def test_danger_is_found(clean: list[Read]) -> None:
    assert percentage([one.danger is not None for one in dangers(clean)]) >= LEAST_FOUND


@pytest.mark.parametrize("kind", KINDS)
def test_danger_of_every_kind_is_found(clean: list[Read], kind: str) -> None:
    assert percentage([one.danger is not None for one in dangers(clean, kind)]) >= LEAST_FOUND_OF_A_KIND


def test_the_right_kind_is_named(clean: list[Read]) -> None:
    found = [one for one in dangers(clean) if one.danger]
    right = [one.danger is not None and one.danger.kind == one.example.label for one in found]
    assert percentage(right) >= LEAST_RIGHT_KIND


@pytest.mark.parametrize("group", MOST_FALSE_ALARMS)
def test_harmless_messages_are_left_alone(clean: list[Read], group: str) -> None:
    harmless = [one for one in clean if one.example.label == NONE and one.example.group == group]
    assert percentage([one.danger is not None for one in harmless]) <= MOST_FALSE_ALARMS[group]
    sure = [one.danger is not None and one.danger.tier == SURE for one in harmless]
    assert percentage(sure) <= MOST_SURE_FALSE_ALARMS


@pytest.mark.parametrize("way", PERTURBATIONS)
def test_danger_is_found_in_spoilt_messages(scanner: SafetyScanner, way: str) -> None:
    chance = random.Random(SEED)
    examples = [example for example in EXAMPLES if example.label != NONE]
    read = read_all(scanner, examples, lambda text: PERTURBATIONS[way](text, chance))
    assert percentage([one.danger is not None for one in read]) >= LEAST_FOUND_SPOILT[way]


def test_danger_is_found_in_messages_sent_in_two_parts(scanner: SafetyScanner) -> None:
    examples = [example for example in EXAMPLES if example.label != NONE]
    read = read_split(scanner, examples, random.Random(SEED))
    assert percentage([one.danger is not None for one in read]) >= LEAST_FOUND_SPOILT["split in two"]


def test_nothing_of_an_examination_set_was_learnt_from() -> None:
    learnt = {folded(example.text) for example in load_examples(REPOSITORY / "content" / "safety" / "examples")}
    for path in HERE.glob("*.jsonl"):
        assert {one.text for one in read_examples(path) if folded(one.text) in learnt} == set(), path.name


def test_every_kind_has_enough_held_out_messages_and_there_are_enough_look_alikes() -> None:
    for kind in KINDS:
        assert sum(example.label == kind for example in EXAMPLES) >= 60, kind
    assert sum(example.group == "look-alike" for example in EXAMPLES) >= 500
