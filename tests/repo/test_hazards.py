"""The hazard log names what is there: every file, every test, and figures that are the matrix's."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from helpline.settings import REPOSITORY

PAGE = "docs/hazards.md"
FEWEST_HAZARDS = 25
SEVERITIES = ("Minor", "Significant", "Considerable", "Major", "Catastrophic")
LIKELIHOODS = ("Very low", "Low", "Medium", "High", "Very high")
PARTS = ("Cause", "Effect", "Control", "Tests")
REMAINS, OPEN = "What remains", "Not controlled yet"
SCORED = ["Severity", "Likelihood before", "Risk before", "Likelihood after", "Risk after"]
NONE_YET = "none yet"
WATCHED_RISK = 3

HEADING = re.compile(r"^### (H-\d{2})\. (.+)$", re.MULTILINE)
PART = re.compile(r"^- \*\*([^*]+):\*\*\s+((?:.|\n(?!\n|- ))+)", re.MULTILINE)
NAMED = re.compile(r"`([^`]+)`")
TEST = re.compile(r"^(tests/[\w/]+\.py)::(test_\w+)$")
FOLDERS = (
    "actions/",
    "bench/",
    "bin/",
    "bot/",
    "channels/",
    "content/",
    "danger_training/",
    "docs/",
    "helpline/",
    "nlu/",
)


@dataclass(frozen=True)
class Hazard:
    """One section of the page. score: what its table says, by column."""

    id: str
    name: str
    parts: Mapping[str, str]
    score: Mapping[str, str]

    @property
    def tests(self) -> list[str]:
        return NAMED.findall(self.parts.get("Tests", ""))


def _table(text: str) -> list[list[str]]:
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows if not set("".join(row)) <= set("- ")]


def _page() -> str:
    return (REPOSITORY / PAGE).read_text()


def _section(title: str) -> str:
    return re.split(r"^##+ ", _page().split(f"## {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def _matrix() -> dict[tuple[str, str], int]:
    (_, *severities), *rows = _table(_section("The matrix"))
    return {
        (severity, likelihood): int(figure)
        for likelihood, *figures in rows
        for severity, figure in zip(severities, figures, strict=True)
    }


def _hazards() -> Iterator[Hazard]:
    pieces = HEADING.split(_page())[1:]
    for hazard_id, name, text in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True):
        body = re.split(r"^## ", text, maxsplit=1, flags=re.MULTILINE)[0]
        written = PART.findall(body)
        assert len(dict(written)) == len(written), f"{hazard_id} has a part twice"
        tables = _table(body)
        assert len(tables) == 2, f"{hazard_id} needs one table with one row"
        columns, figures = tables
        yield Hazard(
            hazard_id, name, {part: words.strip() for part, words in written}, dict(zip(columns, figures, strict=True))
        )


HAZARDS = list(_hazards())
each_hazard = pytest.mark.parametrize("hazard", HAZARDS, ids=lambda hazard: hazard.id)


@cache
def _functions(path: Path) -> frozenset[str]:
    tree = ast.parse((REPOSITORY / path).read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_there_are_enough_hazards_and_their_ids_run_from_the_first_without_a_gap() -> None:
    assert len(HAZARDS) >= FEWEST_HAZARDS
    assert [hazard.id for hazard in HAZARDS] == [f"H-{number:02d}" for number in range(1, len(HAZARDS) + 1)]
    assert len({hazard.name for hazard in HAZARDS}) == len(HAZARDS)


def test_the_matrix_has_every_word_and_never_falls_as_things_get_worse_or_likelier() -> None:
    matrix = _matrix()
    assert set(matrix) == {(severity, likelihood) for severity in SEVERITIES for likelihood in LIKELIHOODS}
    assert set(matrix.values()) == {1, 2, 3, 4, 5}
    for likelihood in LIKELIHOODS:
        assert all(matrix[less, likelihood] <= matrix[more, likelihood] for less, more in pairwise(SEVERITIES))
    for severity in SEVERITIES:
        assert all(matrix[severity, less] <= matrix[severity, more] for less, more in pairwise(LIKELIHOODS))


def test_every_word_of_the_matrix_is_explained() -> None:
    assert [row[0] for row in _table(_section("Severity"))[1:]] == list(SEVERITIES)
    assert [row[0] for row in _table(_section("Likelihood"))[1:]] == list(LIKELIHOODS)


@each_hazard
def test_a_hazard_has_every_part_and_none_that_is_not_known(hazard: Hazard) -> None:
    assert list(hazard.parts)[: len(PARTS)] == list(PARTS)
    assert set(hazard.parts) <= {*PARTS, REMAINS, OPEN}
    assert {REMAINS, OPEN} & set(hazard.parts), "say what remains"
    assert all(hazard.parts.values())
    assert list(hazard.score) == SCORED


@each_hazard
def test_a_risk_is_the_figure_that_the_matrix_gives_for_its_words(hazard: Hazard) -> None:
    matrix, severity = _matrix(), hazard.score["Severity"]
    for when in ("before", "after"):
        assert int(hazard.score[f"Risk {when}"]) == matrix[severity, hazard.score[f"Likelihood {when}"]]


@each_hazard
def test_a_likelihood_falls_only_where_a_test_guards_what_makes_it_fall(hazard: Hazard) -> None:
    before, after = (LIKELIHOODS.index(hazard.score[f"Likelihood {when}"]) for when in ("before", "after"))
    assert after <= before
    if not hazard.tests:
        assert hazard.parts["Tests"].startswith(NONE_YET)
        assert after == before
        assert OPEN in hazard.parts


@each_hazard
def test_every_test_that_a_hazard_names_exists(hazard: Hazard) -> None:
    assert len(set(hazard.tests)) == len(hazard.tests)
    for named in hazard.tests:
        found = TEST.match(named)
        assert found, f"{named} is not written as tests/folder/test_file.py::test_name"
        assert (REPOSITORY / found[1]).is_file(), named
        assert found[2] in _functions(Path(found[1])), named


def test_every_file_that_the_page_names_exists() -> None:
    paths = {name for name in NAMED.findall(_page()) if name.startswith(FOLDERS) and " " not in name}
    assert paths
    assert [name for name in sorted(paths) if not (REPOSITORY / name).exists()] == []
    assert all(name.startswith("tests/") for name in NAMED.findall(_page()) if "::" in name)


def test_what_stands_at_the_top_as_open_is_what_the_hazards_say() -> None:
    open_ones = [hazard.id for hazard in HAZARDS if OPEN in hazard.parts]
    assert re.findall(r"^- (H-\d{2})\b", _section("What is not controlled yet"), re.MULTILINE) == open_ones
    watched = [hazard.id for hazard in HAZARDS if int(hazard.score["Risk after"]) >= WATCHED_RISK]
    assert re.findall(r"H-\d{2}", _section("What stays at 3 or more")) == watched
