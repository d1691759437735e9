"""Turns the examples of content/safety into what train.py learns from.

    .venv/bin/python -m danger_training.prepare OUT.json [--copies 3]

Every example is written out as the gate will read it (helpline.domain.normalise.views), once as it is and in copies
that are spoilt as texts are: slips of the finger, text-speak, no vowels, no punctuation, emoji, words run together, and
now and then in the middle of a longer message. Some copies are the part that the gate reads of a very long message: of
a harmless one the part that looks most like danger, of a danger the one with most of it. What stands in an examination
set of tests/safety is left out.
"""

import argparse
import json
import math
import random
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from content.safety_examples import NO_DANGER, Example, folded, load_examples
from content.safety_schema import load_safety
from helpline.checks import read_training_text
from helpline.danger_reader import LONGEST_WHOLE, as_read, windows
from helpline.domain.normalise import Speller, views
from helpline.domain.safety import SafetyScanner
from helpline.settings import REPOSITORY

SEED = 5
FEWEST_TO_KNOW_A_WORD = 4
WEIGHED_WORDS = 3000
PADDED_SHARE = 0.3
LONGEST_PADDED = 56
CUT_SHARE = 0.2
WINDOW_SHARE = 0.12
ENOUGH_OF_A_DANGER = 0.75
# Of a hundred letters so many are slips: a careful thumb, a quick one, one that shakes.
_SLIP_SHARES = (0.04, 0.06, 0.1)

_TEXT_SPEAK = {
    "you": "u", "are": "r", "your": "ur", "to": "2", "for": "4", "please": "pls", "because": "cos", "before": "b4",
    "about": "abt", "with": "wiv", "that": "dat", "the": "da", "and": "n", "have": "av", "cannot": "cnt",
    "can't": "cnt", "don't": "dnt", "tonight": "2nite", "what": "wot", "know": "no", "be": "b", "see": "c",
    "people": "ppl", "someone": "sum1", "thanks": "thx", "really": "rly",
}  # fmt: skip
_ENDINGS = ("\U0001f622", "\U0001f62d\U0001f62d", "\U0001f64f", "xx", "...", "!!", "\U0001f621", "\U0001f494")
_WORD = re.compile(r"[\w']+")


def ordinary_questions(scanner: SafetyScanner) -> list[str]:
    """How people ask about care: what the assistant learns from, without the topic that is about harm."""
    blocks = read_training_text(REPOSITORY / "nlu")
    texts = [text for block in blocks if block.intent != "guide/safeguarding" for text in block.phrasings]
    return [text for text in texts if scanner.scan(text) is None]


def examination_texts() -> set[str]:
    """What must not be learnt, because it is what the reader is examined on."""
    texts = set()
    for path in (REPOSITORY / "tests" / "safety").glob("*.jsonl"):
        texts |= {folded(json.loads(line)["text"]) for line in path.read_text("utf-8").splitlines()}
    return texts


class Spoiler:
    """Spoils texts as people and phones do. The same seed spoils alike."""

    def __init__(self, ordinary: Sequence[str], harmless: Sequence[str]) -> None:
        """Takes what is put around a text to make a longer message of it."""
        self._chance = random.Random(SEED)
        self._ordinary, self._harmless = ordinary, harmless

    def spoil(self, text: str, harmless: bool) -> str:
        """A spoilt copy. Half of a harmless text is harmless; half of a danger may be either, so it is left whole."""
        chance = self._chance
        if harmless and chance.random() < CUT_SHARE:
            text = self._half(text)
        if chance.random() < PADDED_SHARE:
            text = self._pad(text)
        way = chance.random()
        if way < 0.35:
            return self._slips(text, chance.choice(_SLIP_SHARES))
        if way < 0.5:
            return _spoken_short(text)
        if way < 0.62:
            return re.sub(r"[^\w\s]", "", text).lower()
        if way < 0.7:
            return _WORD.sub(lambda word: self._clipped(word.group()), text)
        if way < 0.78:
            return self._slips(_spoken_short(text), 0.03)
        if way < 0.84:
            return f"{text} {chance.choice(_ENDINGS)}"
        if way < 0.9:
            return self._run_together(text)
        return text

    def _pad(self, text: str) -> str:
        """The text in the middle of others; what would make it longer than is read at once is cut off at the ends."""
        chance = self._chance
        around = [
            chance.choice(self._ordinary if chance.random() < 0.4 else self._harmless)
            for _ in range(chance.choice((1, 1, 2, 3, 4, 5)))
        ]
        at = chance.randrange(len(around) + 1)
        before, after = " ".join(around[:at]).split(), " ".join(around[at:]).split()
        room = max(0, LONGEST_PADDED - len(text.split()))
        first = min(len(before), room // 2 if after else room)
        between = chance.choice((" ", ". ", ", ", "\n"))
        parts = (" ".join(before[len(before) - first :]), text, " ".join(after[: room - first]))
        return between.join(part for part in parts if part)

    def bury(self, text: str) -> str | None:
        """Now and then a message too long to be read whole, with the text in its middle; None for most."""
        chance = self._chance
        if chance.random() >= WINDOW_SHARE:
            return None
        message = text
        while len(message.split()) <= LONGEST_WHOLE:
            more = chance.choice(self._ordinary if chance.random() < 0.4 else self._harmless)
            message = f"{more}. {message}" if chance.random() < 0.5 else f"{message}. {more}"
        return message

    def _half(self, text: str) -> str:
        words = text.split()
        if len(words) < 4:
            return text
        at = self._chance.randrange(2, len(words) - 1)
        return " ".join(words[:at] if self._chance.random() < 0.5 else words[at:])

    def _slips(self, text: str, share: float) -> str:
        chance, letters = self._chance, list(text)
        for at in range(1, len(letters) - 1):
            if letters[at].isalpha() and chance.random() < share:
                kind = chance.randrange(4)
                if kind == 0:
                    letters[at], letters[at + 1] = letters[at + 1], letters[at]
                else:
                    letters[at] = ("", letters[at] * 2, chance.choice("abcdefghijklmnopqrstuvwxyz"))[kind - 1]
        return "".join(letters)

    def _clipped(self, word: str) -> str:
        return re.sub(r"(?<=\w)[aeiou](?=\w)", "", word) if self._chance.random() < 0.35 else word

    def _run_together(self, text: str) -> str:
        words = text.split()
        if len(words) < 2:
            return text
        at = self._chance.randrange(len(words) - 1)
        return " ".join([*words[:at], words[at] + words[at + 1], *words[at + 2 :]])


def _spoken_short(text: str) -> str:
    return _WORD.sub(lambda word: _TEXT_SPEAK.get(word.group().lower(), word.group()), text)


def known_words(examples: Sequence[Example]) -> list[str]:
    """The words that the examples use again and again: misspellings are put right to them."""
    counts = Counter(word for example in examples for word in re.findall(r"[a-z]{4,}", example.text.lower()))
    return sorted(word for word, count in counts.items() if count >= FEWEST_TO_KNOW_A_WORD)


def word_weights(dangers: Sequence[str], ordinary: Sequence[str]) -> dict[str, float]:
    """How much each word speaks for danger: the logarithm of how much commoner it is there than in ordinary questions.

    Not than in the near twins: those are made of the same words, and it is to be chosen what is worth reading.
    """
    danger = Counter(word.strip(".") for reading in dangers for word in reading.split())
    harmless = Counter(word.strip(".") for reading in ordinary for word in reading.split())
    many, few = sum(danger.values()), sum(harmless.values())
    weights = {
        word: math.log(count / many) - math.log((harmless[word] + 1) / few)
        for word, count in danger.items()
        if word and count >= FEWEST_TO_KNOW_A_WORD
    }
    best = sorted(weights.items(), key=lambda item: (-item[1], item[0]))[:WEIGHED_WORDS]
    return {word: round(weight, 2) for word, weight in best if weight > 0}


def main() -> None:
    """Write the numbers' raw material."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--copies", type=int, default=3)
    given = parser.parse_args()
    safety = load_safety(REPOSITORY / "content" / "safety")
    scanner = SafetyScanner(safety)
    ordinary = ordinary_questions(scanner)
    taboo = examination_texts()
    everything = [
        *load_examples(REPOSITORY / "content" / "safety" / "examples"),
        *(Example(text, NO_DANGER, "") for text in ordinary),
    ]
    examples = list({folded(one.text): one for one in everything if folded(one.text) not in taboo}.values())
    words = known_words(examples)
    speller = Speller(scanner.vocabulary | set(words), safety.common_words)
    spoiler = Spoiler(ordinary, [one.text for one in examples if one.kind == NO_DANGER])

    def normalised(text: str) -> str:
        return views(text, speller)[-1]

    def reading(text: str) -> str:
        return as_read(normalised(text).split())

    whole = [reading(one.text) for one in examples]
    dangers = [text for text, one in zip(whole, examples, strict=True) if one.kind != NO_DANGER]
    weights = word_weights(dangers, [reading(text) for text in ordinary])

    def window_of(text: str, buried: str, harmless: bool) -> str | None:
        """What the gate reads of a long message: for a danger the part with most of it, None if none has enough."""
        parts = windows(normalised(buried), weights)
        if harmless:
            return parts[0]
        words = Counter(normalised(text).split())
        shares = [((words & Counter(part.replace(".", " .").split())).total() / words.total(), part) for part in parts]
        share, part = max(shares)
        return part if share >= ENOUGH_OF_A_DANGER else None

    def spoilt(example: Example) -> str:
        harmless = example.kind == NO_DANGER
        buried = spoiler.bury(example.text)
        part = window_of(example.text, buried, harmless) if buried else None
        return part or reading(spoiler.spoil(example.text, harmless))

    rows = [
        {"readings": [text, *(spoilt(one) for _ in range(given.copies))], "kind": one.kind, "who": one.who}
        for text, one in zip(whole, examples, strict=True)
    ]
    given.out.write_text(json.dumps({"rows": rows, "words": words, "word_weights": weights}), "utf-8")
    print(f"{len(rows)} examples: {dict(Counter(one.kind for one in examples))}")


if __name__ == "__main__":
    main()
