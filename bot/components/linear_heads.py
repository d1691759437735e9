"""Small linear models over features, kept as plain numbers so that a trained model holds no pickled code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Union

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

# Runs of 2 to 4 letters within a word: a misspelt word still shares most of them with the right one.
LETTER_RUNS = (2, 4)
Features = Union[np.ndarray, csr_matrix]


def log_softmax(scores: np.ndarray) -> np.ndarray:
    """Return the natural logarithms of the probabilities for each row of scores."""
    scores = scores - scores.max(axis=1, keepdims=True)
    return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class LinearHead:
    """One score per class: features times weights plus offsets."""

    classes: list[str]
    weights: np.ndarray
    offsets: np.ndarray

    def scores(self, features: Features) -> np.ndarray:
        """Return one row per text, one column per class."""
        return np.asarray(features @ self.weights.T) + self.offsets

    @classmethod
    def of(cls, trained: LogisticRegression | LinearSVC) -> LinearHead:
        """Take the numbers out of a trained scikit-learn model."""
        weights, offsets = trained.coef_, trained.intercept_
        if len(weights) == 1:
            weights, offsets = np.vstack([-weights, weights]) / 2, np.hstack([-offsets, offsets]) / 2
        return cls([str(name) for name in trained.classes_], weights.astype(np.float32), offsets.astype(np.float32))

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """Return what is to be saved, under names that start with this one. Half precision loses nothing here."""
        return {f"{name}_weights": self.weights.astype(np.float16), f"{name}_offsets": self.offsets}

    @classmethod
    def from_arrays(cls, name: str, classes: Sequence[str], arrays: Any) -> LinearHead:
        """Return the head that was saved under this name."""
        return cls(list(classes), arrays[f"{name}_weights"].astype(np.float32), arrays[f"{name}_offsets"])


def train_on_vectors(vectors: np.ndarray, labels: Sequence[str], strength: float) -> LinearHead:
    """Return a logistic regression. Strength is scikit-learn's C: higher follows the examples more closely."""
    return LinearHead.of(LogisticRegression(C=strength, max_iter=400, tol=1e-3).fit(vectors, labels))


def train_on_letters(letters: csr_matrix, labels: Sequence[str], strength: float) -> LinearHead:
    """Return a linear support vector machine: as good as regression on letters and ten times quicker to train."""
    return LinearHead.of(LinearSVC(C=strength, random_state=0).fit(letters, labels))


class Letters:
    """Turns texts into weighted counts of short runs of letters."""

    def __init__(self, runs: Sequence[str] | None = None, rarity: np.ndarray | None = None) -> None:
        """Take the runs to count and how rare each is, or nothing if they are to be learnt."""
        self._counter = TfidfVectorizer(
            analyzer="char_wb",
            ngram_range=LETTER_RUNS,
            sublinear_tf=True,
            vocabulary=list(runs) if runs is not None else None,
            min_df=2 if runs is None else 1,
            dtype=np.float32,
        )
        if rarity is not None:
            self._counter.idf_ = rarity.astype(np.float32)

    def learn(self, texts: Sequence[str]) -> csr_matrix:
        """Learn which runs there are, and return the features of these texts."""
        return self._counter.fit_transform(texts)

    def of(self, texts: Sequence[str]) -> csr_matrix:
        """Return one row of features per text."""
        return self._counter.transform(texts)

    @property
    def runs(self) -> list[str]:
        """The runs in the order of their columns."""
        return [str(run) for run in self._counter.get_feature_names_out()]

    @property
    def rarity(self) -> np.ndarray:
        """How rare each run is."""
        return np.asarray(self._counter.idf_, dtype=np.float32)
