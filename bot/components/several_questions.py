"""Several questions in one message, and questions that lean on the last one.

The words are in several_questions.yml. Nothing here decides what a question is about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from components.answer_reading import words_of

# More than so many questions are not told apart; the rest stays with the last.
MOST_QUESTIONS = 4
# A part of fewer words says too little to be a question of its own.
FEWEST_WORDS = 3
# A message of more words than this names what it is about.
LONGEST_FOLLOW_UP = 9
# In a message of more words than this, questions stand among much else, and not in the form of questions.
LONGEST_PLAIN = 30
# A part of a long message of fewer words says too little by itself.
FEWEST_WORDS_OF_A_PART = 4
# The beginning of a very long message is enough to tell its questions apart.
MOST_CHARACTERS = 1000

_PARTS = re.compile(r"[.,;!?\n]+\s+|\s+(?=(?:and|but|because|so)\b)", re.IGNORECASE)
_ENDS = re.compile(r"(?<=[?!.\n])\s+|\n+")


@dataclass(frozen=True)
class LinkWords:
    """The words of several_questions.yml, ready for use."""

    asks: frozenset[tuple[str, ...]]
    joins: re.Pattern[str]
    leans: frozenset[str]
    goes_on: frozenset[tuple[str, ...]]
    general: frozenset[str]
    asks_alone: frozenset[str]
    to_us: frozenset[str]


@lru_cache(maxsize=1)
def link_words() -> LinkWords:
    """Return the words of the file beside this module."""
    data: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("several_questions.yml").read_text("utf-8"))
    joins = sorted(map(str, data["joins"]), key=len, reverse=True)
    general = frozenset(map(str, [*data["general"], *data["asks"], *data["leans"]]))
    # The words that begin the next question stay with it; "and" alone goes.
    joined = re.compile(r"[,;]?\s+(?=(?:" + "|".join(map(re.escape, joins)) + r")\b)", re.IGNORECASE)
    asks_alone = frozenset(str(word) for word in [*data["asks"], *data["asks_alone"]] if " " not in str(word))
    return LinkWords(
        _phrases(data["asks"]),
        joined,
        frozenset(map(str, data["leans"])),
        _phrases(data["goes_on"]),
        general | asks_alone,
        asks_alone,
        frozenset(map(str, data["to_us"])),
    )


def _phrases(lines: list[Any]) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(words_of(str(line))) for line in lines)


def questions_in(text: str) -> list[str]:
    """Return the questions of a message in order; none if it does not hold several.

    What stands before the first question is taken as what all of them are about, and stays with the first.
    """
    words = link_words()
    parts = [
        part.strip()
        for sentence in _ENDS.split(text[:MOST_CHARACTERS])
        for part in words.joins.split(sentence)
        if part.strip()
    ]
    questions: list[str] = []
    waiting = ""
    for part in parts:
        whole = f"{waiting} {part}".strip()
        if len(words_of(part)) >= FEWEST_WORDS and _asks(part, words):
            questions.append(whole)
            waiting = ""
        elif questions:
            questions[-1] = f"{questions[-1]} {part}"
        else:
            waiting = whole
    if len(questions) > MOST_QUESTIONS:
        questions[MOST_QUESTIONS - 1 :] = [" ".join(questions[MOST_QUESTIONS - 1 :])]
    return questions if len(questions) > 1 else []


def parts_in(text: str) -> list[str]:
    """Return the parts of a long message, each of which may be a question of its own; none of a shorter one."""
    if len(words_of(text)) <= LONGEST_PLAIN:
        return []
    parts = [part.strip() for part in _PARTS.split(text[:MOST_CHARACTERS])]
    return [part for part in parts if len(words_of(part)) >= FEWEST_WORDS_OF_A_PART]


def _asks(part: str, words: LinkWords) -> bool:
    said = words_of(part)
    while said and said[0] in ("and", "also", "but", "so", "then", "plus", "hi", "hello", "please", "or"):
        said = said[1:]
    return "?" in part or any(tuple(said[: len(phrase)]) == phrase for phrase in words.asks)


def leans_on_last(text: str) -> bool:
    """Say whether a short message goes on from what was said before: "is it free", "and for my dad?"."""
    words, said = link_words(), words_of(text)
    if not said or len(said) > LONGEST_FOLLOW_UP:
        return False
    return any(tuple(said[: len(phrase)]) == phrase for phrase in words.goes_on) or bool(words.leans & set(said))


def is_bare_question(text: str) -> bool:
    """Say whether a short message asks: "how long", "who do i tell", "appeal?"."""
    said = words_of(text)
    return 0 < len(said) <= LONGEST_FOLLOW_UP and bool(link_words().asks_alone & set(said))


def is_short_remark(text: str) -> bool:
    """Say whether a message is a few words, some of them such as go with anything: "shes 17 now"."""
    said = words_of(text)
    return 1 < len(said) <= LONGEST_FOLLOW_UP and bool(link_words().general & set(said))


def speaks_to_us(text: str) -> bool:
    """Say whether a message speaks to the one who reads it: "what can you do"."""
    return bool(link_words().to_us & set(words_of(text)))


def names_nothing(text: str) -> bool:
    """Say whether no word of a message says what it is about: "is it free", "who pays for that"."""
    return all(word in link_words().general or word.isdecimal() for word in words_of(text))
