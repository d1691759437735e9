"""Puts spelling right before a message is read for meaning. The message itself is never changed, only a copy.

A word is known if people use it in English or in our training sentences. Any other word becomes the nearest
known word, where a slip of the finger is near, a word of ours is nearer than a word of English, and common is
nearer than rare. Nothing near: the word stays as it is (names, places, other languages).
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

import yaml
from rapidfuzz import process
from rapidfuzz.distance import OSA

from components.sentence_vectors import package_file

ENGLISH_PACKAGE = "symspellpy"
ENGLISH_FILE = "frequency_dictionary_en_82_765.txt"
# Rarer words of English are far more often a slip than meant ("teh", "carrer" and "esp" are all in the long
# list).
COMMON_ENGLISH = 30_000
# What one more edit must be worth, in natural logs of how common a word is.
COST_OF_AN_EDIT = 6.0
# A word of ours counts as if English used it this much more often.
WEIGHT_OF_OUR_WORDS = 6.0
# Longer runs of letters are not words that anybody meant.
LONGEST_WORD = 24

_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\w+|[^\w\s]+", re.UNICODE)  # noqa: RUF001 (people do type it)
_VOWELS = str.maketrans("", "", "aeiou")


def english_words(limit: int = COMMON_ENGLISH) -> dict[str, float]:
    """Return the commonest English words, each with the natural logarithm of how often it is used."""
    words: dict[str, float] = {}
    with package_file(ENGLISH_PACKAGE, ENGLISH_FILE).open(encoding="utf-8-sig") as lines:
        for line in lines:
            word, count = line.split()
            words[word] = math.log(float(count))
            if len(words) == limit:
                break
    return words


def words_of(text: str) -> list[str]:
    """Return the words, numbers and runs of marks of a text, in lower case, with straight apostrophes."""
    return [token.replace("’", "'") for token in _TOKEN.findall(text.lower())]  # noqa: RUF001


def count_words(texts: Iterable[str], english: Mapping[str, float]) -> dict[str, int]:
    """Return the words of our own sentences, each with how often it is used.

    A word that English does not know counts only from the third use on: training sentences hold misspellings,
    too, and those must not become right.
    """
    counts = Counter(word for text in texts for word in words_of(text) if word.isalpha())
    return {word: n for word, n in counts.items() if word in english or n >= 3}


class Spelling:
    """Knows the words of English and ours, and the shorthand in spelling.yml."""

    def __init__(self, our_words: Mapping[str, int], english: Mapping[str, float] | None = None) -> None:
        """Take our own words with how often we use each."""
        data = yaml.safe_load((Path(__file__).with_name("spelling.yml")).read_text("utf-8"))
        self._shorthand: dict[str, str] = {str(k): str(v) for k, v in data["shorthand"].items()}
        self._between: dict[str, str] = {str(k): str(v) for k, v in data["between_words"].items()}
        self.our_words = dict(our_words)
        self._weight = dict(english if english is not None else english_words())
        lowest = min(self._weight.values(), default=0.0)
        for word, count in self.our_words.items():
            self._weight[word] = self._weight.get(word, lowest) + WEIGHT_OF_OUR_WORDS + math.log(count)
        self._by_length: dict[int, list[str]] = defaultdict(list)
        for word in self._weight:
            self._by_length[len(word)].append(word)
        self.nearest = lru_cache(maxsize=4096)(self._nearest)

    def put_right(self, text: str) -> str:
        """Return a lower-case copy of the text with shorthand written out and misspelt words put right."""
        tokens = words_of(text)
        right = []
        for place, token in enumerate(tokens):
            inside = 0 < place < len(tokens) - 1
            if (
                inside
                and token in self._between
                and tokens[place - 1].isalpha()
                and tokens[place + 1].isalpha()
            ):
                right.append(self._between[token])
            elif token in self._shorthand:
                right.append(self._shorthand[token])
            elif not token.isascii() or not token.replace("'", "").isalpha():
                right.append(token)
            else:
                right.append(self.nearest(token))
        return " ".join(right)

    def _nearest(self, word: str) -> str:
        bare = word.replace("'", "")
        if word in self._weight or bare in self._weight or not 3 <= len(bare) <= LONGEST_WORD:
            return word
        if bare.endswith("s") and bare[:-1] in self._weight:
            return word
        reach = 1 if len(bare) < 5 else 2
        near = [w for size in range(len(bare) - reach, len(bare) + reach + 1) for w in self._by_length[size]]
        found = process.extract(bare, near, scorer=OSA.distance, score_cutoff=reach, limit=40)
        best, best_score = word, -math.inf
        for candidate, edits, _ in found:
            score = self._weight[candidate] - COST_OF_AN_EDIT * _cost(bare, candidate, edits)
            if score > best_score:
                best, best_score = candidate, score
        if best_score == -math.inf:
            return self._two_words(bare) or word
        return best

    def _two_words(self, joined: str) -> str | None:
        """Return two known words that were run together, the commonest pair, or None."""
        pairs = [
            (self._weight[joined[:cut]] + self._weight[joined[cut:]], f"{joined[:cut]} {joined[cut:]}")
            for cut in range(2, len(joined) - 1)
            if joined[:cut] in self._weight and joined[cut:] in self._weight
        ]
        return max(pairs)[1] if pairs else None


def _cost(written: str, meant: str, edits: int) -> float:
    """Return how unlikely this slip is: edits, less for dropped vowels, more for another first letter."""
    cost = float(edits)
    if written.translate(_VOWELS) == meant.translate(_VOWELS):
        cost -= 0.5
    if sorted(written) == sorted(meant):
        cost -= 0.3
    if written[0] != meant[0]:
        cost += 0.5
    return cost
