"""Finds what a message is about, which answer within a guide topic fits it best, and how sure that is.

Two readers vote: one reads meaning (a sentence vector of the message with its spelling put right), the other
reads letters (short runs of them, which survive misspelling). Both have seen every training sentence twice,
once with slips of the finger. The weights of the votes were chosen by cross-validation on the training
sentences.

How sure it is says something else than which topic won: it is the share of our own sentences that looked
stranger than this message when they had been left out of training, of the language model's as well as of this. So
0.1 means: stranger than 90 in 100 of our own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from components.linear_heads import Letters, LinearHead, log_softmax, train_on_letters, train_on_vectors
from components.noise import with_slips
from components.sentence_vectors import MAX_CHARACTERS, SentenceEncoder, is_kept_back
from components.spelling import Spelling

# Between an intent and an answer in the name of a class of both.
JOINT = "|"
OUT_OF_SCOPE = "out_of_scope"
# What turns the letter reader's margins into something as bold as the meaning reader's logarithms.
LETTERS_SCALE = 4.0
# How much being near the middle of an answer's sentences counts beside the regression.
CENTRE_WEIGHT = 10.0
# How many of the nearest training sentences say whether a message is strange.
NEAREST = 3


class Example(NamedTuple):
    """A training sentence, what it is about, and the answer within a guide topic if there is one."""

    text: str
    intent: str
    answer: str | None = None


@dataclass(frozen=True)
class Settings:
    """What can be set in config.yml, and is explained there."""

    vectors_strength: float = 16.0
    letters_strength: float = 0.5
    slips: float = 0.3
    general_answer_worth: float = 0.5
    seed: int = 20


@dataclass(frozen=True)
class Reading:
    """What a message was read as: topics with probabilities, best first, how sure, and the answer within the best."""

    ranking: list[tuple[str, float]]
    confidence: float
    answer: str | None = None
    answer_confidence: float = 0.0


@dataclass
class _Heads:
    """The trained parts, for the whole of the training sentences or for all but one fold."""

    letters: Letters
    intent_meaning: LinearHead
    intent_letters: LinearHead
    joint_meaning: LinearHead
    centres: np.ndarray
    known: np.ndarray
    joint_intent: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        place = {name: index for index, name in enumerate(self.intent_meaning.classes)}
        self.joint_intent = np.array([place[name.split(JOINT)[0]] for name in self.joint_meaning.classes])

    def votes(self, vectors: np.ndarray, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return for each text the logarithms of the intents and of the joint classes, and the familiarity parts."""
        meaning = self.intent_meaning.scores(vectors)
        letters = self.intent_letters.scores(self.letters.of(texts))
        joint = log_softmax(self.joint_meaning.scores(vectors))
        folded = np.zeros_like(meaning)
        for column, intent in enumerate(self.joint_intent):
            folded[:, intent] += np.exp(joint[:, column])
        total = log_softmax(meaning) + np.log(folded + 1e-9) + log_softmax(letters * LETTERS_SCALE)
        near = np.partition(vectors @ self.known.T, -min(NEAREST, len(self.known)), axis=1)[:, -NEAREST:]
        familiar = np.column_stack([meaning.max(axis=1), letters.max(axis=1), near.mean(axis=1)])
        return log_softmax(total / 2), joint + CENTRE_WEIGHT * (vectors @ self.centres.T), familiar


def _train(
    views: Sequence[tuple[np.ndarray, Sequence[str]]], examples: Sequence[Example], settings: Settings
) -> _Heads:
    """Train on all views (vectors and texts) of these examples."""
    vectors = np.vstack([vectors for vectors, _ in views])
    texts = [text for _, view in views for text in view]
    intents = [example.intent for _ in views for example in examples]
    joint = [f"{example.intent}{JOINT}{example.answer or ''}" for _ in views for example in examples]
    letters = Letters()
    counted = letters.learn(texts)
    intent_meaning = train_on_vectors(vectors, intents, settings.vectors_strength)
    if len(set(joint)) == len(set(intents)):
        joint_meaning = LinearHead(
            [name + JOINT for name in intent_meaning.classes], intent_meaning.weights, intent_meaning.offsets
        )
        joint = [f"{intent}{JOINT}" for intent in intents]
    else:
        joint_meaning = train_on_vectors(vectors, joint, settings.vectors_strength)
    labels = np.array(joint)
    centres = np.vstack([vectors[labels == name].mean(axis=0) for name in joint_meaning.classes])
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    intent_letters = train_on_letters(counted, intents, settings.letters_strength)
    return _Heads(letters, intent_meaning, intent_letters, joint_meaning, centres, views[0][0])


class TopicModel:
    """A trained model. Make one with `train` or `load`."""

    def __init__(
        self,
        encoder: SentenceEncoder,
        spelling: Spelling,
        heads: _Heads,
        usual: np.ndarray,
        spread: np.ndarray,
        ladder: np.ndarray,
        answer_threshold: float,
    ) -> None:
        """Take the parts; usual, spread and ladder turn familiarity into the confidence."""
        self.encoder, self.spelling, self._heads = encoder, spelling, heads
        self._usual, self._spread, self._ladder = usual, spread, ladder
        self.answer_threshold = answer_threshold

    @classmethod
    def train(cls, examples: Sequence[Example], encoder: SentenceEncoder, settings: Settings) -> TopicModel:
        """Train on the examples. Raises ValueError if they have fewer than two intents."""
        if len({example.intent for example in examples}) < 2:
            raise ValueError("The training sentences need at least two intents.")
        spelling = Spelling.learn([example.text for example in examples])
        plain = [spelling.put_right(example.text) for example in examples]
        slipped = [
            spelling.put_right(with_slips(example.text.lower(), settings.slips, settings.seed)) for example in examples
        ]
        views = [(encoder.encode_all(texts), texts) for texts in (plain, slipped)]

        # Only on sentences that the language model was never taught does it behave as it will on people's.
        unseen = np.array([is_kept_back(example.text) for example in examples])
        inside, outside = np.flatnonzero(~unseen), np.flatnonzero(unseen)
        familiar: list[np.ndarray] = []
        answers: list[tuple[float, bool]] = []
        rest = [examples[place] for place in inside]
        if len(outside) and len({example.intent for example in rest}) > 1:
            heads = _train([(v[inside], [t[place] for place in inside]) for v, t in views], rest, settings)
            for vectors, texts in views:
                _, joint, parts = heads.votes(vectors[outside], [texts[place] for place in outside])
                familiar += [
                    part for part, place in zip(parts, outside, strict=True) if examples[place].intent != OUT_OF_SCOPE
                ]
                answers += [
                    _answer_within(heads, row, examples[place])
                    for row, place in zip(joint, outside, strict=True)
                    if examples[place].answer
                ]
        seen = np.array(familiar) if familiar else np.zeros((1, 3))
        usual, spread = seen.mean(axis=0), seen.std(axis=0) + 1e-6
        ladder = np.sort(((seen - usual) / spread).sum(axis=1))
        threshold = _best_threshold(answers, settings.general_answer_worth)
        return cls(encoder, spelling, _train(views, examples, settings), usual, spread, ladder, threshold)

    def read(self, text: str) -> Reading:
        """Read one message. Any text is read, an empty one as something strange."""
        right = self.spelling.put_right(_clean(text))
        votes, joint, parts = self._heads.votes(self.encoder.encode(right)[None, :], [right])
        score = float(((parts[0] - self._usual) / self._spread).sum())
        confidence = float(np.searchsorted(self._ladder, score) / len(self._ladder)) if right else 0.0
        order = np.argsort(-votes[0])
        classes = self._heads.intent_meaning.classes
        ranking = [(classes[place], float(np.exp(votes[0][place]))) for place in order]
        answer, answer_confidence = _best_answer(self._heads, joint[0], int(order[0]))
        sure = answer_confidence >= self.answer_threshold
        return Reading(ranking, confidence, answer if sure else None, answer_confidence)

    def answer_within(self, text: str, intent: str) -> tuple[str | None, float]:
        """Return the answer of this intent that fits best, and how sure that is; None if it is not sure enough."""
        if intent not in self._heads.intent_meaning.classes:
            return None, 0.0
        right = self.spelling.put_right(_clean(text))
        _, joint, _ = self._heads.votes(self.encoder.encode(right)[None, :], [right])
        answer, chance = _best_answer(self._heads, joint[0], self._heads.intent_meaning.classes.index(intent))
        return (answer if chance >= self.answer_threshold else None), chance

    def save(self, folder: Path) -> None:
        """Write the model into a folder, as numbers and text only."""
        heads = self._heads
        np.savez_compressed(
            folder / "numbers.npz",
            **heads.intent_meaning.arrays("intent_meaning"),
            **heads.intent_letters.arrays("intent_letters"),
            **heads.joint_meaning.arrays("joint_meaning"),
            rarity=heads.letters.rarity,
            centres=heads.centres.astype(np.float16),
            known=heads.known.astype(np.float16),
            usual=self._usual,
            spread=self._spread,
            ladder=self._ladder.astype(np.float32),
        )
        words: dict[str, Any] = {
            "intents": heads.intent_meaning.classes,
            "joint": heads.joint_meaning.classes,
            "runs": heads.letters.runs,
            "our_words": self.spelling.our_words,
            "counts": self.spelling.counts,
            "pairs": self.spelling.pairs,
            "answer_threshold": self.answer_threshold,
        }
        (folder / "words.json").write_text(json.dumps(words, ensure_ascii=False), "utf-8")

    @classmethod
    def load(cls, folder: Path, encoder: SentenceEncoder) -> TopicModel:
        """Return the model that was saved in the folder."""
        words = json.loads((folder / "words.json").read_text("utf-8"))
        with np.load(folder / "numbers.npz", allow_pickle=False) as numbers:
            heads = _Heads(
                Letters(words["runs"], numbers["rarity"]),
                LinearHead.from_arrays("intent_meaning", words["intents"], numbers),
                LinearHead.from_arrays("intent_letters", words["intents"], numbers),
                LinearHead.from_arrays("joint_meaning", words["joint"], numbers),
                numbers["centres"].astype(np.float32),
                numbers["known"].astype(np.float32),
            )
            usual, spread, ladder = numbers["usual"], numbers["spread"], numbers["ladder"]
        spelling = Spelling(words["our_words"], words["counts"], words["pairs"])
        return cls(encoder, spelling, heads, usual, spread, ladder, words["answer_threshold"])


def _clean(text: str) -> str:
    # A lone half of a surrogate pair cannot be encoded; phones and hostile senders produce them.
    return text[:MAX_CHARACTERS].encode("utf-8", "ignore").decode("utf-8").replace("\x00", " ")


def _best_answer(heads: _Heads, joint: np.ndarray, intent: int) -> tuple[str | None, float]:
    """Return the answer within this intent that fits best, and how sure that is (0 to 1); None if it has none."""
    places = np.flatnonzero(heads.joint_intent == intent)
    names = [heads.joint_meaning.classes[place].split(JOINT, 1)[1] for place in places]
    if not any(names):
        return None, 0.0
    chances = np.exp(log_softmax(joint[None, places]))[0]
    best = int(np.argmax(chances))
    return names[best] or None, float(chances[best])


def _answer_within(heads: _Heads, joint: np.ndarray, example: Example) -> tuple[float, bool]:
    """Return how sure the best answer within the example's own topic is, and whether it is the right one."""
    if example.intent not in heads.intent_meaning.classes:
        return 0.0, False
    answer, chance = _best_answer(heads, joint, heads.intent_meaning.classes.index(example.intent))
    return chance, answer == example.answer


def _best_threshold(answers: Sequence[tuple[float, bool]], general_worth: float) -> float:
    """Return the confidence above which giving the special answer does more good than giving the general one.

    A right answer is worth 1, a wrong one nothing, the topic's general answer `general_worth`.
    """
    ordered = sorted(answers, reverse=True)
    best, gain, threshold = 0.0, 0.0, 1.01 if answers else 0.0
    for chance, right in ordered:
        gain += right - general_worth
        if gain > best:
            best, threshold = gain, chance
    return threshold
