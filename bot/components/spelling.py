"""Puts spelling right before a message is read for meaning. The message itself is never changed, only a copy.

Each word may stand for itself or for a word that is near it: a slip of the finger is near, a word of ours
nearer than a word of English, a common word nearer than a rare one. Which was meant is decided by the words
beside it, as they stand together in our training sentences: "hom" is "home" after "at" and "him" after
"help". Nothing near: the word stays as it is (names, places, other languages).
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from operator import itemgetter
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
# The same, once the words beside it are looked at too: in natural logs of how likely that is.
COST_BESIDE_OTHERS = 12.0
# How much two of our words that stand together count, against each alone.
WEIGHT_OF_PAIRS = 0.8
# What a known word of English costs if our sentences hardly use it, and what an unknown word costs.
COST_OF_RARE, COST_OF_UNKNOWN = 0.5, 9.0
# A word that our sentences use so often is itself; one used a little less may still be a slip for another.
SURELY_MEANT, OFTEN = 40, 5
# How many readings of a message are followed at the same time, and how many near words each word may stand
# for.
READINGS, NEAR_WORDS = 8, 12
# Where a message starts.
START = "<s>"
# How much of all English the word list counts, in natural logs.
ALL_ENGLISH = math.log(1e11)
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
    """Knows the words of English and ours, which of ours stand together, and the shorthand in spelling.yml."""

    def __init__(
        self,
        our_words: Mapping[str, int],
        counts: Mapping[str, int] | None = None,
        pairs: Mapping[str, int] | None = None,
        english: Mapping[str, float] | None = None,
    ) -> None:
        """Take our own words with how often we use each, and the same of the words and pairs in context."""
        data = yaml.safe_load((Path(__file__).with_name("spelling.yml")).read_text("utf-8"))
        self._shorthand: dict[str, str] = {str(k): str(v) for k, v in data["shorthand"].items()}
        self._between: dict[str, str] = {str(k): str(v) for k, v in data["between_words"].items()}
        self.our_words, self.counts, self.pairs = dict(our_words), dict(counts or {}), dict(pairs or {})
        self._english = dict(english if english is not None else english_words())
        self._weight = dict(self._english)
        lowest = min(self._weight.values(), default=0.0)
        for word, count in self.our_words.items():
            self._weight[word] = self._weight.get(word, lowest) + WEIGHT_OF_OUR_WORDS + math.log(count)
        self._by_length = _by_length(self._weight)
        self._ours_by_length = _by_length(
            word for word, n in self.counts.items() if word.isalpha() and n >= (2 if word in self._english else 3)
        )
        self._all = max(sum(self.counts.values()), 1)
        self.nearest = lru_cache(maxsize=4096)(self._nearest)
        self._standing_for = lru_cache(maxsize=4096)(self._find_standing_for)

    @classmethod
    def learn(cls, texts: Sequence[str]) -> Spelling:
        """Return the spelling of our own sentences."""
        english = english_words()
        alone = cls(count_words(texts, english), english=english)
        counts: Counter[str] = Counter()
        pairs: Counter[str] = Counter()
        for text in texts:
            words = [START, *alone.put_right(text).split()]
            counts.update(words)
            pairs.update(f"{one} {next_one}" for one, next_one in pairwise(words))
        return cls(alone.our_words, counts, pairs, english)

    def put_right(self, text: str) -> str:
        """Return a lower-case copy of the text with shorthand written out and misspelt words put right."""
        words = self._written_out(words_of(text))
        if not self.counts:
            return " ".join(self.nearest(word) if _is_word(word) else word for word in words)
        readings: dict[str, tuple[float, list[str]]] = {START: (0.0, [])}
        for word in words:
            choices = self._standing_for(word) if _is_word(word) else {word: 0.0}
            longer = {}
            for choice, score in choices.items():
                best, path = max(
                    ((so_far + self._beside(choice, last), path) for last, (so_far, path) in readings.items()),
                    key=itemgetter(0),
                )
                longer[choice] = (best + score, [*path, choice])
            readings = dict(sorted(longer.items(), key=lambda one: -one[1][0])[:READINGS])
        return " ".join(max(readings.values(), key=itemgetter(0))[1])

    def _written_out(self, words: list[str]) -> list[str]:
        """Return the words with shorthand written out and words that were run together apart."""
        result: list[str] = []
        for place, word in enumerate(words):
            inside = 0 < place < len(words) - 1
            if inside and word in self._between and words[place - 1].isalpha() and words[place + 1].isalpha():
                result.append(self._between[word])
            elif word in self._shorthand:
                result += self._shorthand[word].split()
            elif _is_word(word) and " " in self.nearest(word):
                result += self.nearest(word).split()
            else:
                result.append(word)
        return result

    def _beside(self, word: str, last: str) -> float:
        """Return the logarithm of how likely the word is after the last one."""
        alone = 0.9 * self.counts.get(word, 0) / self._all
        alone += 0.03 * math.exp(self._english[word] - ALL_ENGLISH) if word in self._english else 1e-8
        together = self.pairs.get(f"{last} {word}", 0) / (self.counts.get(last, 0) + 2)
        return math.log(WEIGHT_OF_PAIRS * together + (1 - WEIGHT_OF_PAIRS) * alone + 1e-9)

    def _find_standing_for(self, word: str) -> dict[str, float]:
        """Return the words that this one may stand for, each with a score: 0 for itself, less for less likely."""
        used = self.counts.get(word, 0)
        itself = -COST_OF_RARE if word in self._weight else -COST_OF_UNKNOWN
        found = {word: 0.0 if used >= OFTEN else itself}
        nearest = self.nearest(word)
        if nearest != word and " " not in nearest:
            found[nearest] = -COST_BESIDE_OTHERS
        if len(word) >= 2 and used < SURELY_MEANT:
            near = [w for size in (-1, 0, 1) for w in self._ours_by_length.get(len(word) + size, ()) if len(w) > 1]
            for other, edits, _ in process.extract(word, near, scorer=OSA.distance, score_cutoff=1, limit=NEAR_WORDS):
                if other != word:
                    score = -COST_BESIDE_OTHERS * _cost(word, other, edits)
                    found[other] = max(found.get(other, score), score)
        return found

    def _nearest(self, word: str) -> str:
        bare = word.replace("'", "")
        if word in self._weight or bare in self._weight or not 3 <= len(bare) <= LONGEST_WORD:
            return word
        if bare.endswith("s") and bare[:-1] in self._weight:
            return word
        reach = 1 if len(bare) < 5 else 2
        near = [w for size in range(len(bare) - reach, len(bare) + reach + 1) for w in self._by_length.get(size, ())]
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


def _by_length(words: Iterable[str]) -> dict[int, list[str]]:
    """Return the words in lists of one length each."""
    lists: dict[int, list[str]] = defaultdict(list)
    for word in words:
        lists[len(word)].append(word)
    return lists


def _is_word(token: str) -> bool:
    """Say whether this is a word in plain letters, which alone may be misspelt."""
    return token.isascii() and token.replace("'", "").isalpha()


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
