"""The reader of danger that learnt from examples: small language models that vote, run here on one thread each.

It reads what phrases miss (docs/decisions/0013). Its files in helpline/danger_model were made by danger_training/ from
content/safety/examples, and are refused if a single byte differs from what was reviewed.
"""

import hashlib
import json
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from helpline.domain.safety import Opinion, Who

MODEL_FOLDER = Path(__file__).parent / "danger_model"
CARD = "card.json"
SENTENCE_END = "."

# A text of this many words or fewer is read whole; a longer one in windows, of which the most suspicious are read, and
# those that the first reader then finds the most suspicious are voted on, so that the work for a very long text has an
# end.
LONGEST_WHOLE = 60
WINDOW_WORDS = 24
MOST_WINDOWS = 5
MOST_VOTED_ON = 2
WEIGHED_WORDS = 6
MOST_PIECES = 128
REMEMBERED = 2048

_Said = tuple[np.ndarray, np.ndarray]


class AlteredDangerModel(RuntimeError):
    """A file of the model is missing or is not the one that was reviewed."""


@dataclass(frozen=True)
class Card:
    """What is known of the model: its files' hashes, its kinds in order, and what its scores mean.

    readers: the files of the language models that vote. second_opinion_from, second_opinion_to: the scores of the first
    between which the others are asked as well; outside them there is nothing to vote about, and most texts are read
    once. threshold, doubt: see helpline.domain.safety.LearntReader. threshold_in_parts: the threshold for a part of a
    long text. It is higher, because the most suspicious of several parts is more suspicious than a text of its own,
    whether or not there is danger (docs/safety.md has the figures).
    words: those of its examples, which misspellings are put right to. word_weights: how much a single word speaks for
    danger; only to choose what to read of a long text.
    """

    sha256: Mapping[str, str]
    readers: tuple[str, ...]
    second_opinion_from: float
    second_opinion_to: float
    kinds: tuple[str, ...]
    threshold: float
    doubt: float
    threshold_in_parts: float
    words: frozenset[str]
    word_weights: Mapping[str, float]

    @classmethod
    def read(cls, folder: Path) -> "Card":
        """Read the card. Raises AlteredDangerModel."""
        try:
            written: dict[str, Any] = json.loads((folder / CARD).read_text("utf-8"))
            return cls(
                written["sha256"],
                tuple(written["readers"]),
                written["second_opinion_from"],
                written["second_opinion_to"],
                tuple(written["kinds"]),
                written["threshold"],
                written["doubt"],
                written["threshold_in_parts"],
                frozenset(written["words"]),
                written["word_weights"],
            )
        except (OSError, ValueError, KeyError) as error:
            raise AlteredDangerModel(f"{folder / CARD} cannot be read ({type(error).__name__}).") from error


class DangerReader:
    """Reads normalised texts for danger. Make one at start-up; it may be used by many threads."""

    def __init__(self, folder: Path = MODEL_FOLDER) -> None:
        """Load the model. Raises AlteredDangerModel if a file is missing or is not the reviewed one."""
        self._card = Card.read(folder)
        self.threshold, self.doubt = self._card.threshold, self._card.doubt
        self._tokenizer = Tokenizer.from_str(self._verified(folder / "tokenizer.json").decode("utf-8"))
        self._tokenizer.enable_truncation(MOST_PIECES)
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._sessions = [
            onnxruntime.InferenceSession(self._verified(folder / name), options, providers=["CPUExecutionProvider"])
            for name in self._card.readers
        ]
        self._remembered: OrderedDict[tuple[int, str], _Said] = OrderedDict()
        self._lock = threading.Lock()

    def _verified(self, path: Path) -> bytes:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise AlteredDangerModel(f"{path} is missing. Check the repository out again.") from error
        if hashlib.sha256(content).hexdigest() != self._card.sha256.get(path.name):
            raise AlteredDangerModel(f"{path} is not the file that was reviewed, so it is not used.")
        return content

    @property
    def words(self) -> frozenset[str]:
        """The words that misspellings are put right to."""
        return self._card.words

    def read(self, text: str) -> Opinion:
        """What it makes of a text; of a long one, what it makes of the part that looks most like danger."""
        parts = windows(text, self._card.word_weights)
        suspected = sorted(parts, key=self._first_score, reverse=True)[:MOST_VOTED_ON]
        found = max((self._opinion(part) for part in suspected), key=_score, default=_NOTHING)
        return _as_of_a_part(found, self._card) if len(parts) > 1 else found

    def _first_score(self, part: str) -> float:
        return 1.0 - float(self._ask(0, part)[0][0])

    def _opinion(self, part: str) -> Opinion:
        said = [self._ask(0, part)]
        if self._card.second_opinion_from <= self._first_score(part) < self._card.second_opinion_to:
            said += [self._ask(number, part) for number in range(1, len(self._sessions))]
        # The mean of logarithms: one reader that all but rules a kind out weighs more than one that is unsure.
        chances = [float(one) for one in _softmax(np.mean([np.log(kinds) for kinds, _ in said], axis=0))]
        me, someone = np.mean([who for _, who in said], axis=0)
        whose: Who = "me" if me >= someone else "someone"
        return Opinion(1.0 - chances[0], whose, dict(zip(self._card.kinds[1:], chances[1:], strict=True)))

    def _ask(self, number: int, part: str) -> _Said:
        """What one reader says: the chances of the kinds, and how much speaks for "me" and for "someone"."""
        with self._lock:
            known = self._remembered.get((number, part))
            if known is not None:
                self._remembered.move_to_end((number, part))
                return known
        pieces = self._tokenizer.encode(part)
        feed = {
            "ids": np.array([pieces.ids], dtype=np.int64),
            "mask": np.array([pieces.attention_mask], dtype=np.int64),
        }
        kinds, who = self._sessions[number].run(["kind", "who"], feed)
        said = _softmax(kinds[0]), who[0]
        with self._lock:
            self._remembered[number, part] = said
            if len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        return said


def windows(text: str, word_weights: Mapping[str, float]) -> list[str]:
    """What is read of a normalised text: all of it, or of a long one the parts whose words speak most for danger."""
    words = text.split()
    if not words:
        return []
    if len(words) <= LONGEST_WHOLE:
        return [as_read(words)]

    def weight(window: str) -> float:
        weights = sorted((word_weights.get(word.strip("."), 0.0) for word in window.split()), reverse=True)
        return sum(weights[:WEIGHED_WORDS])

    parts = [as_read(words[start:end]) for start, end in _spans(words)]
    return sorted(parts, key=weight, reverse=True)[:MOST_WINDOWS]


def _as_of_a_part(opinion: Opinion, card: Card) -> Opinion:
    """The opinion on a part of a long text, lowered so that its own threshold comes to stand at the general one.

    What is under the doubt stays as it is, and what is certain stays certain.
    """
    marks = (0.0, card.doubt, card.threshold_in_parts, 1.0), (0.0, card.doubt, card.threshold, 1.0)
    score = float(np.interp(opinion.score, *marks))
    share = score / opinion.score if opinion.score else 1.0
    return Opinion(score, opinion.who, {kind: chance * share for kind, chance in opinion.kinds.items()})


_NOTHING = Opinion(0.0, "unknown", {"none": 0.0})


def _score(opinion: Opinion) -> float:
    return opinion.score


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max())
    return np.asarray(powers / powers.sum())


def as_read(words: Sequence[str]) -> str:
    """The words as the model learnt to read them: sentence ends stand on the word before."""
    return " ".join(words).replace(" .", ".")


def _spans(words: Sequence[str]) -> list[tuple[int, int]]:
    """Windows over a long text, one after the other, cut at sentence ends where they come in time."""
    ends = [0, *(at + 1 for at, word in enumerate(words) if word == SENTENCE_END)]
    cuts = [0]
    while cuts[-1] < len(words):
        limit = cuts[-1] + WINDOW_WORDS
        last_end = ends[bisect_right(ends, limit) - 1]
        cuts.append(min(last_end if last_end > cuts[-1] else limit, len(words)))
    return list(pairwise(cuts))
