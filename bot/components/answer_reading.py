"""Reads the answer to a pending question out of a short text: yes or no, a choice, a number, or free words.

The words are in expected_answer.yml. Metadata comes from outside, so nothing about its types is believed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

# How alike (0 to 100) a reply and the label of an option must be. 85 allows one slip in a word of seven
# letters.
ALIKE = 85
# A longer reply is not read as a choice or a number.
LONGEST_CLOSED_REPLY = 60
SCALE_DEFAULT = (1, 5)
LARGEST_BOUND = 1000
MOST_OPTIONS = 20
# A yes or no of more words than this says something new in any case, so the rest need not be read.
MOST_WORDS = 40

_WORD = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+|[^\w\s.,!?;:'\"()/&-]", re.UNICODE)


@dataclass(frozen=True)
class Answer:
    """What a reply answers: the value, the kind of question, what it was about, and whether it was half-hearted."""

    value: str | int
    kind: str
    about: str | None
    partly: bool = False
    # The reply also says something new, which the classifier should read.
    says_more: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the answer as the action server sees it."""
        return {key: value for key, value in asdict(self).items() if key != "says_more"}


@dataclass(frozen=True)
class Option:
    """One thing that can be chosen: its id, and the words that mean it."""

    id: str
    labels: tuple[str, ...]


Phrase = tuple[str, ...]


def words_of(text: str) -> list[str]:
    """Return the words and numbers of a text in lower case, without apostrophes and marks."""
    plain = text.lower().replace("'", "").replace("’", "")  # noqa: RUF001 (phones write it)
    return _WORD.findall(plain)


def _phrases(lines: Sequence[Any]) -> list[Phrase]:
    """Return phrases as tuples of words."""
    return [tuple(words_of(str(line))) for line in lines]


@dataclass(frozen=True)
class YesNo:
    """A phrase that means yes, no, or (value None) neither although it begins like one."""

    phrase: Phrase
    value: str | None
    partly: bool = False
    # It counts only if nothing but courtesy comes after it.
    whole: bool = True


class Words:
    """The words of expected_answer.yml, ready for use."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        """Take the content of the file."""
        self.commands = frozenset(data["commands"])
        kinds = {
            "neither": (None, False, True),
            "partly_yes": ("yes", True, True),
            "partly_no": ("no", True, True),
            "yes": ("yes", False, False),
            "no": ("no", False, False),
            "yes_whole": ("yes", False, True),
            "no_whole": ("no", False, True),
        }
        self.yes_no = [YesNo(phrase, *meaning) for key, meaning in kinds.items() for phrase in _phrases(data[key])]
        self.about: dict[str, list[YesNo]] = {}
        for value, key in (("yes", "yes_about"), ("no", "no_about")):
            for about, lines in data[key].items():
                self.about.setdefault(about, []).extend(YesNo(phrase, value) for phrase in _phrases(lines))
        self.numbers: dict[str, int] = data["numbers"]
        self.no_numbers = frozenset(data["no_numbers"])
        self.around = frozenset(data["around"])
        self.courtesy = frozenset(data["courtesy"])
        self.before = frozenset(data["before"])
        self.questions = _phrases(data["question_words"])
        self.second_look: dict[str, str] = data["second_look"]


@lru_cache(maxsize=1)
def default_words() -> Words:
    """Return the words of the file beside this module."""
    return Words(yaml.safe_load(Path(__file__).with_name("expected_answer.yml").read_text("utf-8")))


def command_in(metadata: object, words: Words | None = None) -> str | None:
    """Return the command that the gateway recognised, if it is one of ours."""
    command = metadata.get("command") if isinstance(metadata, Mapping) else None
    return command if isinstance(command, str) and command in (words or default_words()).commands else None


def place_is_all(metadata: object) -> bool:
    """Say whether the gateway found that the whole message is the name of a place."""
    place = metadata.get("place") if isinstance(metadata, Mapping) else None
    return isinstance(place, Mapping) and place.get("whole_message") is True


def read_answer(text: str | None, metadata: object, words: Words | None = None) -> Answer | None:
    """Return what the text answers, if metadata says that a question is pending and the text answers it."""
    expects = metadata.get("expects") if isinstance(metadata, Mapping) else None
    if not isinstance(expects, Mapping) or not isinstance(text, str) or not text.strip():
        return None
    words = words or default_words()
    kind = expects.get("kind")
    about = expects.get("about") if isinstance(expects.get("about"), str) else None
    if kind == "yes_no":
        return _read_yes_no(text, about, words)
    if kind == "choice":
        return _read_choice(text, _options(expects.get("options")), about, words)
    if kind == "scale":
        return _read_scale(text, expects, about, words)
    if kind == "text":
        return Answer(text.strip(), "text", about, says_more=_asks(text, words_of(text), words))
    return None


def _asks(text: str, tokens: Sequence[str], words: Words) -> bool:
    """Say whether this is a question, by its mark or its words. A lone "what" is not enough to be one."""
    if len(tokens) < 2:
        return False
    return "?" in text or any(
        tuple(tokens[place : place + len(phrase)]) == phrase
        for phrase in words.questions
        for place in range(len(tokens) - len(phrase) + 1)
    )


def _starts_with(tokens: Sequence[str], phrase: Phrase) -> bool:
    """Say whether the tokens begin with the phrase. Words of five letters or more may have one slip."""
    return len(tokens) >= len(phrase) > 0 and all(
        said == meant or (len(meant) >= 5 and said[0] == meant[0] and OSA.distance(said, meant, score_cutoff=1) <= 1)
        for said, meant in zip(tokens, phrase, strict=False)
    )


def _read_yes_no(text: str, about: str | None, words: Words) -> Answer | None:
    tokens = [_squeezed(token) for token in words_of(text)[:MOST_WORDS]]
    place = 0
    while place < len(tokens) - 1 and tokens[place] in words.before:
        place += 1
    # Longest first, so that "not really" is found before "no".
    known = sorted(words.yes_no + words.about.get(about or "", []), key=lambda one: len(one.phrase), reverse=True)
    found: YesNo | None = None
    extra: list[str] = []
    while place < len(tokens):
        said = next((one for one in known if _starts_with(tokens[place:], one.phrase)), None)
        if found is None and (said is None or said.value is None):
            return None
        if said is None or said.value is None:
            extra += [] if tokens[place] in words.courtesy else [tokens[place]]
            place += 1
            continue
        place += len(said.phrase)
        if found is None or said.partly:
            found = said if found is None else replace(said, whole=found.whole)
        elif said.value != found.value and not said.whole and not extra:
            return None
    if found is None or found.value is None or (found.whole and extra):
        return None
    return Answer(found.value, "yes_no", about, found.partly, says_more=bool(extra))


def _squeezed(token: str) -> str:
    """Return "yes" for "yesss", and "no" for "nooo": three or more of a letter become one."""
    return re.sub(r"(.)\1{2,}", r"\1", token)


def _options(given: object) -> list[Option]:
    """Return the options that can be used, in the order given. Odd entries keep their place, without words."""
    if not isinstance(given, Sequence) or isinstance(given, str | bytes):
        return []
    options = []
    for entry in given[:MOST_OPTIONS]:
        if isinstance(entry, str | int) and not isinstance(entry, bool):
            options.append(Option(str(entry), (str(entry),)))
        elif isinstance(entry, Mapping) and isinstance(entry.get("id"), str | int):
            accept = entry.get("accept")
            more = [word for word in accept if isinstance(word, str)] if isinstance(accept, list) else []
            label = entry.get("label")
            labels = [str(entry["id"]), *([label] if isinstance(label, str) else []), *more]
            options.append(Option(str(entry["id"]), tuple(labels)))
        else:
            options.append(Option("", ()))
    return options


def _number(tokens: Sequence[str], words: Words) -> int | None:
    """Return the one whole number that the reply is, or None. "2 out of 5" and "2/5" are 2."""
    if len(tokens) >= 3 and tokens[1:3] == ["out", "of"]:
        tokens = tokens[:1]
    left = [token for token in tokens if token not in words.around]
    # "one" is a number as well as a word around one ("the first one").
    left = left or [token for token in tokens if token in words.numbers]
    if len(left) != 1:
        return None
    if left[0].isascii() and left[0].isdigit() and len(left[0]) < 4:
        return int(left[0])
    if left[0] in words.numbers:
        return words.numbers[left[0]]
    if left[0] in words.no_numbers:
        return None
    near = process.extractOne(left[0], list(words.numbers), scorer=OSA.distance, score_cutoff=1)
    return words.numbers[near[0]] if near and len(left[0]) >= 4 and len(near[0]) >= 4 else None


def _read_choice(text: str, options: list[Option], about: str | None, words: Words) -> Answer | None:
    if not options or len(text) > LONGEST_CLOSED_REPLY:
        return None
    tokens = words_of(text)
    said = " ".join(tokens)
    labels = [
        (" ".join(words_of(label.replace("_", " ").replace("-", " "))), option)
        for option in options
        for label in option.labels
    ]
    for label, option in labels:
        if label and said == label:
            return Answer(option.id, "choice", about)
    place = _number(words_of(text.split("/")[0]), words)
    if place is not None:
        place = len(options) if place == -1 else place
        chosen = options[place - 1] if 1 <= place <= len(options) else None
        return Answer(chosen.id, "choice", about) if chosen and chosen.id else None
    bare = " ".join(token for token in tokens if token not in words.around) or said
    scored = sorted(
        ((max(_likeness(said, label), _likeness(bare, label)), option.id) for label, option in labels if label),
        reverse=True,
    )
    if scored and scored[0][0] >= ALIKE and all(score < scored[0][0] or id_ == scored[0][1] for score, id_ in scored):
        return Answer(scored[0][1], "choice", about)
    return None


def _likeness(said: str, label: str) -> float:
    """Return how alike two texts are, 0 to 100. One slip in a word of four letters or more is alike enough."""
    one_slip = len(label) >= 4 and OSA.distance(said, label, score_cutoff=1) <= 1
    return max(fuzz.ratio(said, label), 90.0 if one_slip else 0.0)


def _bound(value: object, default: int) -> int:
    """Return a bound of the scale as a whole number, or the default if it is none."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST_BOUND:
        return int(value)
    return default


def _read_scale(text: str, expects: Mapping[str, Any], about: str | None, words: Words) -> Answer | None:
    if len(text) > LONGEST_CLOSED_REPLY:
        return None
    options = _options(expects.get("options"))
    if options:
        chosen = _read_choice(text, options, about, words)
        place = next((n for n, option in enumerate(options, 1) if chosen and option.id == chosen.value), None)
        return Answer(place, "scale", about) if place else None
    low, high = _bound(expects.get("min"), SCALE_DEFAULT[0]), _bound(expects.get("max"), SCALE_DEFAULT[1])
    number = _number(words_of(text.split("/")[0]), words)
    return Answer(number, "scale", about) if number is not None and low <= number <= high else None
