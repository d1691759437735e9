"""How old somebody must be to read a text with ease.

The measure is the Flesch-Kincaid grade: 0.39 x words to a sentence + 11.8 x syllables to a word - 15.59 (Kincaid and
others, Derivation of New Readability Formulas, Naval Technical Training Command, 1975). A child is in grade n of an
American school at the age of n + 5 to n + 6, so the reading age is the grade and 5. What counts as a sentence and a
word is Flesch's (How to Write Plain English, 1979, chapter 2): a colon ends a sentence, and a number or a set of
initials is a word of one syllable. Two things are ours: each line of a list is a sentence; and a name is made of words
of one syllable, since a writer cannot choose it (in Dale and Chall's formula of 1948, too, a name is never hard). The
aim of 9 to 11 is that of the NHS digital service manual.

A formula sees long words and long sentences. It does not see whether a text is clear, and it is rough for a text of
one sentence.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import syllapy
from pydantic import BaseModel, ConfigDict, Field

from content.problems import ContentError, Problem
from content.reading import Reader
from content.resident_texts import ResidentText
from content.sentences import sentences
from helpline.domain.replies import PLACEHOLDER

MOST_READING_AGE = 11.0
# Of fewer words, such as a heading, one long word decides everything.
FEWEST_WORDS = 8
NAMES_FILE = "known_names.yml"

_AGE_IN_GRADE_0 = 5.0
_HARD_SYLLABLES = 3
_SHORT_SENTENCE = 12
_MARKS = ".,!?:;()\"'"
_EASY = "0"
_WORD = re.compile(r"\S*\w\S*")
# Digits, and what only an address on the web or of e-mail has inside a word.
_NO_WORD = re.compile(r"\d|\w[.@/]\w")

Name = Annotated[str, Field(pattern=r"^\S+( \S+)*$")]


class NamesFile(BaseModel):
    """The whole of known_names.yml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    names: Annotated[tuple[Name, ...], Field(min_length=1)]
    terms: tuple[Name, ...]


class KnownNames:
    """Names and terms that a writer cannot change. Each of their words counts as one of one syllable."""

    def __init__(self, names: Iterable[str]) -> None:
        """names: at least one, in any case; their plurals are known too."""
        longest_first = sorted(names, key=len, reverse=True)
        self._pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})(?:s|'s)?\b", re.IGNORECASE)

    def made_easy(self, text: str) -> str:
        """The text with a number in place of each word of a name."""
        return self._pattern.sub(lambda found: " ".join(_EASY for _ in found.group().split()), text)


def load_names(root: Path) -> KnownNames:
    """Read known_names.yml of the content folder. Raises ContentError."""
    reader = Reader(root)
    read = reader.yaml(NAMES_FILE, NamesFile)
    if read is None:
        raise ContentError(reader.problems)
    return KnownNames((*read.names, *read.terms))


@dataclass(frozen=True)
class _Sentence:
    """A sentence as it stands, with the syllables of each of its words. hard: its words of three or more."""

    text: str
    syllables: tuple[int, ...]
    hard: tuple[str, ...]

    @classmethod
    def of(cls, text: str, names: KnownNames | None) -> "_Sentence":
        easy = PLACEHOLDER.sub(_EASY, text)
        words = [word.strip(_MARKS) for word in _WORD.findall(names.made_easy(easy) if names else easy)]
        counted = [
            1 if names and number > 0 and word[:1].isupper() else _syllables(word) for number, word in enumerate(words)
        ]
        hard = [word for word, count in zip(words, counted, strict=True) if count >= _HARD_SYLLABLES]
        return cls(text, tuple(counted), tuple(dict.fromkeys(hard)))


def _syllables(word: str) -> int:
    return 1 if word.isupper() or _NO_WORD.search(word) else max(1, int(syllapy.count(word)))


def _age(counted: Sequence[_Sentence]) -> float:
    words = sum(len(sentence.syllables) for sentence in counted)
    syllables = sum(sum(sentence.syllables) for sentence in counted)
    return 0.39 * words / len(counted) + 11.8 * syllables / words - 15.59 + _AGE_IN_GRADE_0


def _counted(text: str, names: KnownNames | None) -> list[_Sentence]:
    return [counted for sentence in sentences(text) if (counted := _Sentence.of(sentence, names)).syllables]


def reading_age(text: str, names: KnownNames | None) -> float | None:
    """From which age on a text is easy to read; None where it has too few words to say.

    names: None counts the syllables of names like those of any word, as other programs do.
    """
    counted = _counted(text, names)
    if sum(len(sentence.syllables) for sentence in counted) < FEWEST_WORDS:
        return None
    return round(_age(counted), 1)


def reading_age_problems(
    texts: Iterable[ResidentText], names: KnownNames, most: float = MOST_READING_AGE
) -> Iterator[Problem]:
    """The texts that ask for too old a reader, with the sentence that asks most and what to do about it."""
    for one in texts:
        age = reading_age(one.text, names)
        if age is None or age <= most:
            continue
        counted = _counted(one.text, names)
        whole = [sentence for sentence in counted if len(sentence.syllables) >= FEWEST_WORDS] or counted
        hardest = max(whole, key=lambda sentence: _age([sentence]))
        is_long = len(hardest.syllables) > _SHORT_SENTENCE
        cures = ["Make two sentences of it."] if is_long or not hardest.hard else []
        if hardest.hard:
            cures.append(f"Say in plainer words: {', '.join(hardest.hard)}.")
        yield Problem(
            one.file,
            one.where,
            f'Its reading age is {age:.1f}, and the most is {most:.0f}. Its hardest sentence: "{hardest.text}"',
            " ".join(cures),
        )
