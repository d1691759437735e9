"""Somebody who does not program edits a file, gets it wrong, and is told what to do."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from content.lint import sentence_length, text_problems
from content.schema import ContentError, Problem, WrongFactsFile, load_content

SHIPPED = Path(__file__).parents[2] / "content"
TOPIC = """---
title: Rails
general: what
answers:
  what:
    question: What is it?
    who_pays: The council pays.
    next_step: Ring and ask.
    contact: front-door
    as_of: 2026-11-22
    review_by: 2027-04-05
    sources:
      - {name: GOV.UK, url: "https://www.gov.uk", date: 2026}
---

## what

### Short

A rail helps.

### Long

A rail by the bath helps people
to get in and out.

- It costs £20.
- It lasts.
"""
TAXONOMY = """name: Needs
description: Kinds of help.
terms:
  equipment:
    name: rails
    description: Rails and other aids.
    words: [rail]
topics:
  rails: [equipment]
"""
Change = Callable[[Path], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "content"
    shutil.copytree(SHIPPED, copy, ignore=shutil.ignore_patterns("*.py", "__pycache__", "guide"))
    (copy / "guide").mkdir()
    (copy / "guide" / "rails.md").write_text(TOPIC)
    (copy / "services" / "taxonomy.yml").write_text(TAXONOMY)
    return copy


def _problems(folder: Path) -> list[Problem]:
    with pytest.raises(ContentError) as caught:
        load_content(folder)
    return caught.value.problems


def _edit(folder: Path, file: str, old: str, new: str) -> None:
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_good_folder_is_read(folder: Path) -> None:
    answer = load_content(folder).guide.topics["rails"].answers["what"]
    assert answer.short == "A rail helps."
    assert answer.long == "A rail by the bath helps people to get in and out.\n\n- It costs £20.\n- It lasts."
    assert answer.sources[0].date == "2026"


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ("    who_pays: The council pays.\n", "", "who_pays", "missing"),
        ("    who_pays:", "    who_payz:", "who_payz", "do not know"),
        ("general: what", "general: nothing", "general", "no answer 'nothing'"),
        ("as_of: 2026-11-22", "as_of: last week", "as_of", "not a date"),
        ("title: Rails", "title: Rails: and more", "line 2", "YAML"),
        ("### Short\n\nA rail helps.\n", "", "what", "no short form"),
        ("### Long", "### Lang", "what", "no long form"),
        ("## what", "## whta", "whta", "no such answer"),
        ("contact: front-door", "contact: the-council", "contact", "no phone 'the-council'"),
        ("A rail helps.", "Ring {no-such-phone}.", "what, Short", "{no-such-phone}"),
        ("A rail helps.", "Ring 0345 603 7630.", "what, Short", "0345 603 7630 is written out"),
        ("A rail helps.", "Text SHOUT to 85258.", "what, Short", "85258 is written out"),
        ("A rail helps.", "A rail \u2013 it helps.", "what, Short", "cannot carry"),
        ("A rail helps.", "Open Mon to Friday.", "what, Short", "'Mon' is a short form"),
        ("A rail helps.", "A rail, etc.", "what, Short", "'etc' is a short form"),
        ("A rail helps.", "Text HELP now.", "what, Short", "text HELP"),
        ("A rail helps.", "See [this](x).", "what, Short", "Markdown"),
        ("A rail helps.", "Tell Action Fraud.", "what, Short", "Action Fraud"),
        ("A rail helps.", "It is £81.90 a week.", "what, Short", "£81.90"),
        ("A rail helps.", "A rail helps. " * 20, "what, Short", "characters"),
        ("review_by: 2027-04-05", "review_by: 2026-11-22", "review_by", "not after as_of"),
        ("review_by: 2027-04-05", "review_by: 2027-11-22", "review_by", "amounts of money"),
        ("review_by: 2027-04-05", "review_by: 2029-04-05", "review_by", "more than a year"),
    ],
)
def test_a_slip_in_a_guide_file_is_named_with_its_cure(folder: Path, old: str, new: str, where: str, what: str) -> None:
    _edit(folder, "guide/rails.md", old, new)
    matching = [problem for problem in _problems(folder) if where in problem.where and what in problem.what]
    assert matching
    assert all(problem.file == "content/guide/rails.md" and problem.what_to_do for problem in matching)


@pytest.mark.parametrize(
    ("file", "old", "new", "what"),
    [
        ("phones.yml", "area: southend", "area: suthend", "no area 'suthend'"),
        ("phones.yml", "number: 01702 215008", "number: see website", "not right"),
        ("authorities.yml", "front_door: southend-adult-social-care", "front_door: nobody", "no phone 'nobody'"),
        ("authorities.yml", "  - Harlow\n", "", "belongs to no authority"),
        ("replies.yml", 'option-no: "No"', 'option-nope: "No"', "missing"),
        ("replies.yml", 'option-no: "No"', "option-no: No", "must be text"),
        ("replies.yml", "I cannot open links.", "I cannot open {links}.", "{links}"),
        ("control_words.yml", "  more:", "  MORE:\n    words: [more]\n  more:", "as well"),
        ("control_words.yml", "mended: [menu,", "mended: [menoo, menu,", "'menoo' is not one of its words"),
        ("places/towns.csv", "Grays,Thurrock,", "Grays,Thorrock,", "belongs to no authority"),
        ("places/outcodes.csv", "CM2,single,", "CM2,singel,", "not right"),
    ],
)
def test_a_slip_elsewhere_is_named_with_its_cure(folder: Path, file: str, old: str, new: str, what: str) -> None:
    _edit(folder, file, old, new)
    matching = [problem for problem in _problems(folder) if what in problem.what]
    assert matching
    assert all(problem.what_to_do for problem in matching)


def test_every_problem_is_named_and_not_only_the_first(folder: Path) -> None:
    _edit(folder, "guide/rails.md", "A rail helps.", "Mon 0345 603 7630 \u2013")
    assert len(_problems(folder)) >= 3


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "phones.yml").unlink()
    problems = _problems(folder)
    assert any(problem.file == "content/phones.yml" and "missing" in problem.what for problem in problems)


def test_a_problem_reads_as_a_sentence_for_people() -> None:
    problem = Problem("content/guide/falls.md", "stop-falls, Short", "The number 0345 is written out.", "Write its id.")
    assert str(problem) == "content/guide/falls.md, stop-falls, Short: The number 0345 is written out. Write its id."
    assert str(ContentError([problem, problem])).count("\n") == 1


def test_long_sentences_are_a_warning_and_no_error(folder: Path) -> None:
    _edit(folder, "guide/rails.md", "The council pays.", " ".join(["word"] * 30) + ".")
    warnings = load_content(folder).warnings
    assert any("sentences are long" in warning.what for warning in warnings)


@pytest.mark.parametrize(
    "text",
    [
        "Call 999, 111, 101 or 105.",
        "The limit is £23,250 (2026-27), from 6 April 2026.",
        "Open from 8.45am, 7 days a week.",
        "Sunday and Saturday; he sat in the sun.",
        "It may not cost £1,000.50.",
        "The £86,000 cap is not going ahead.",
        "Southend Carers First can help.",
    ],
)
def test_what_is_right_is_let_be(text: str) -> None:
    wrong_facts = WrongFactsFile.model_validate(yaml.safe_load((SHIPPED / "wrong_facts.yml").read_text())).root
    assert list(text_problems(text, (), wrong_facts)) == []


def test_the_length_of_sentences() -> None:
    assert sentence_length("One two three. Four five six!") == 3
    assert sentence_length("") == 0
