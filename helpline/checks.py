"""Checks over what lies outside the content folder: the training text, and the small talk that Rasa says by itself."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from content import sms_rules
from content.problems import Problem
from content.resident_texts import SMALL_TALK, ResidentText
from helpline.domain.guide import Guide

FEWEST_PHRASINGS = 40
GUIDE_PREFIX = "guide/"


@dataclass(frozen=True)
class TrainingProblem:
    """A mistake in the training text, and what to do about it."""

    file: str
    what: str
    what_to_do: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what} {self.what_to_do}"


@dataclass(frozen=True)
class Block:
    """The phrasings of one intent (and, in the guide, of one answer)."""

    file: str
    intent: str
    answer: str | None
    phrasings: tuple[str, ...]


def read_training_text(folder: Path) -> Iterator[Block]:
    """Every block of phrasings under a folder. Raises yaml.YAMLError for a file that is not YAML."""
    for path in sorted(folder.rglob("*.yml")):
        content: dict[str, Any] = yaml.safe_load(path.read_text()) or {}
        for block in content.get("nlu", []):
            lines = str(block.get("examples") or "").splitlines()
            yield Block(
                file=str(path.relative_to(folder.parent)),
                intent=str(block.get("intent")),
                answer=(block.get("metadata") or {}).get("answer"),
                phrasings=tuple(line.strip().removeprefix("- ").strip() for line in lines if line.strip()),
            )


def small_talk_texts(file: Path) -> list[ResidentText]:
    """What Rasa's domain file of small talk says. Raises yaml.YAMLError for a file that is not YAML."""
    responses: dict[str, list[dict[str, str]]] = yaml.safe_load(file.read_text()).get("responses", {})
    name = "/".join(file.parts[-3:])
    return [ResidentText(SMALL_TALK, name, key, said["text"]) for key, each in responses.items() for said in each]


def check_small_talk(texts: Iterable[ResidentText]) -> list[Problem]:
    """What does not suit a text message. Each must be one part."""
    return [
        Problem(one.file, one.where, what, what_to_do)
        for one in texts
        for what, what_to_do in (
            *sms_rules.odd_letters(one.text),
            *sms_rules.short_forms(one.text),
            *sms_rules.reserved_words(one.text),
            *sms_rules.too_many_parts(one.text, most=1),
        )
    ]


def check_training_text(guide: Guide, folder: Path) -> list[TrainingProblem]:
    """What is wrong: a topic or answer without phrasings or without words, too few, or the same twice."""
    problems: list[TrainingProblem] = []
    answers: dict[str, set[str]] = defaultdict(set)
    counts: Counter[str] = Counter()
    seen: dict[str, tuple[str, str | None]] = {}
    for block in read_training_text(folder):
        topic = block.intent.removeprefix(GUIDE_PREFIX) if block.intent.startswith(GUIDE_PREFIX) else None
        if topic is not None:
            problems += _pair(guide, block, topic)
            answers[topic].add(block.answer or "")
            counts[topic] += len(block.phrasings)
        for phrasing in block.phrasings:
            meaning = (block.intent, block.answer)
            if seen.setdefault(phrasing.casefold(), meaning) != meaning:
                problems.append(
                    TrainingProblem(block.file, f'"{phrasing}" stands under two meanings.', "Keep it under one.")
                )
    for known in guide.topics.values():
        file = f"nlu/guide/{known.id}.yml"
        for missing in sorted(set(known.answers) - answers[known.id]):
            problems.append(
                TrainingProblem(file, f"the answer {missing} has no phrasings.", "Write how people ask for it.")
            )
        if counts[known.id] < FEWEST_PHRASINGS:
            problems.append(
                TrainingProblem(file, f"only {counts[known.id]} phrasings.", f"Write at least {FEWEST_PHRASINGS}.")
            )
    return problems


def _pair(guide: Guide, block: Block, topic_id: str) -> Iterator[TrainingProblem]:
    topic = guide.topics.get(topic_id)
    if topic is None:
        yield TrainingProblem(
            block.file, f"there is no content/guide/{topic_id}.md.", "Write it, or take the phrasings out."
        )
    elif block.answer not in topic.answers:
        yield TrainingProblem(
            block.file,
            f"the answer {block.answer} is not in content/guide/{topic_id}.md.",
            "Use one of its answer names under metadata.",
        )
