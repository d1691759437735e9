"""Reads content/safety/examples, from which the reader of danger learns, and checks it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from content.safety_schema import KINDS, SafetyContentError, Slug, Strict, read_file

NO_DANGER = "none"
FEWEST_EXAMPLES = 100
LONGEST_EXAMPLE = 1000
_WORD = re.compile(r"[\w']+")
_PHONE_NUMBER = re.compile(r"\d(?:[ -]?\d){9,}")

Lines = Annotated[list[Annotated[str, Field(min_length=1, max_length=LONGEST_EXAMPLE)]], Field(min_length=1)]


@dataclass(frozen=True)
class Example:
    """A message with its kind of danger, or "none". who: whose danger it is, "me" or "someone", or "" where none is."""

    text: str
    kind: str
    who: str


class DangerLines(Strict):
    """Messages that show danger: the writer's own, and somebody else's."""

    me: Lines
    someone: Lines


class ExamplesFile(Strict):
    """One kind's file: danger, and the same words where there is none."""

    kind: Slug
    danger: DangerLines
    not_danger: Lines


class EverydayFile(Strict):
    """_everyday.yml: what is no danger of any kind."""

    not_danger: Lines


def folded(text: str) -> str:
    """A text without what does not make it another one: case, spaces, punctuation."""
    return " ".join(_WORD.findall(text.lower()))


def load_examples(folder: Path) -> Sequence[Example]:
    """Every example. Raises SafetyContentError, which names the file and says in plain words what to put right."""
    examples: list[Example] = []
    seen: dict[str, str] = {}

    def add(path: Path, lines: Sequence[Example]) -> None:
        for example in lines:
            key = folded(example.text)
            if key in seen:
                raise SafetyContentError(f'{path.name}: "{example.text}" stands in {seen[key]} already')
            seen[key] = path.name
            if _PHONE_NUMBER.search(example.text):
                raise SafetyContentError(f'{path.name}: "{example.text}" holds a phone number; take it out')
        examples.extend(lines)

    for kind in KINDS:
        path = folder / f"{kind}.yml"
        file = read_file(path, ExamplesFile)
        if file.kind != kind:
            raise SafetyContentError(f'{path.name}: the kind must be "{kind}", the same as the name of the file')
        lines = [
            *(Example(text, kind, "me") for text in file.danger.me),
            *(Example(text, kind, "someone") for text in file.danger.someone),
            *(Example(text, NO_DANGER, "") for text in file.not_danger),
        ]
        if min(len(file.danger.me) + len(file.danger.someone), len(file.not_danger)) < FEWEST_EXAMPLES:
            raise SafetyContentError(f"{path.name}: write at least {FEWEST_EXAMPLES} examples with danger, and without")
        add(path, lines)
    everyday = folder / "_everyday.yml"
    add(everyday, [Example(text, NO_DANGER, "") for text in read_file(everyday, EverydayFile).not_danger])
    return examples
