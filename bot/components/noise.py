"""Finger slips for training: each sentence is learnt with misspelt copies beside it, so that misspelling is normal."""

from __future__ import annotations

import random
import re

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_WORD = re.compile(r"[a-z']{3,}")


def _near(letter: str, rng: random.Random) -> str:
    """Return the letter beside this one on a keyboard, or the letter itself if it has no place there."""
    for row in _ROWS:
        place = row.find(letter)
        if place >= 0:
            return row[min(max(place + rng.choice((-1, 1)), 0), len(row) - 1)]
    return letter


def _slip(word: str, rng: random.Random) -> str:
    place = rng.randrange(len(word) - 1)
    kind = rng.randrange(4)
    if kind == 0:
        return word[:place] + _near(word[place], rng) + word[place + 1 :]
    if kind == 1:
        return word[:place] + word[place + 1 :]
    if kind == 2:
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    return word[:place] + word[place] + word[place:]


def with_slips(text: str, share: float, seed: int) -> str:
    """Return the lower-case text with this share (0 to 1) of its words of 3 or more letters misspelt.

    The same text and seed give the same result.
    """
    rng = random.Random(f"{seed}:{text}")
    return _WORD.sub(lambda word: _slip(word.group(), rng) if rng.random() < share else word.group(), text)
