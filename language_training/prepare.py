"""Turns the training sentences of nlu/ into what train.py learns from.

    bot/.venv/bin/python language_training/prepare.py OUT.json [--copies 4]

Every sentence is written out as the assistant will read it (its spelling put right), and in copies that are spoilt as
texts are. Which sentences are kept back is a rule (components.sentence_vectors.is_kept_back), because the assistant
sets its confidence on just those.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bot"), str(ROOT / "bench")]

from components.noise import with_slips  # noqa: E402 (the path comes first)
from components.sentence_vectors import is_kept_back  # noqa: E402
from components.spelling import Spelling  # noqa: E402

from nlu import rows_of_yaml  # noqa: E402

SEED = 11
SLIPS = (0.1, 0.2, 0.3)
_SHORT = {
    "you": "u", "are": "r", "your": "ur", "to": "2", "for": "4", "please": "pls", "because": "cos", "with": "wiv",
    "about": "abt", "that": "dat", "the": "da", "and": "n", "have": "av", "what": "wot", "be": "b", "see": "c",
    "people": "ppl", "someone": "sum1", "tomorrow": "2moro", "today": "2day", "cannot": "cnt",
}  # fmt: skip
_AROUND = ("hi", "hello", "sorry to bother you", "please", "thanks", "not sure if you can help but", "quick one",
           "hi there", "good morning", "just wondering", "thank you", "ta", "cheers", "pls help")  # fmt: skip


def spoil(text: str, chance: random.Random, number: int) -> str:
    """A copy of a sentence as somebody else's thumb, or manners, would have it."""
    if chance.random() < 0.2:
        text = f"{chance.choice(_AROUND)} {text}" if chance.random() < 0.6 else f"{text} {chance.choice(_AROUND)}"
    way = chance.random()
    if way < 0.55:
        return with_slips(text.lower(), chance.choice(SLIPS), SEED + number)
    if way < 0.75:
        text = re.sub(r"[\w']+", lambda word: _SHORT.get(word.group().lower(), word.group()), text)
        return with_slips(text.lower(), 0.1, SEED + number)
    if way < 0.9:
        return re.sub(r"[^\w\s]", "", text).lower()
    words = text.split()
    if len(words) > 6:
        # What a reader in a hurry sees of it still means the same to most people.
        del words[chance.randrange(len(words))]
    return " ".join(words)


def main() -> None:
    """Write the sentences."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--copies", type=int, default=4)
    given = parser.parse_args()
    rows = rows_of_yaml(ROOT / "nlu")
    spelling = Spelling.learn([row.text for row in rows])
    chance = random.Random(SEED)
    written = [
        {
            "readings": [
                spelling.put_right(row.text),
                *(spelling.put_right(spoil(row.text, chance, number)) for number in range(given.copies)),
            ],
            "intent": row.label,
            "answer": row.answer or "",
            "kept_back": is_kept_back(row.text),
        }
        for row in rows
    ]
    given.out.write_text(json.dumps(written), "utf-8")
    print(f"{len(written)} sentences, {sum(row['kept_back'] for row in written)} kept back")


if __name__ == "__main__":
    main()
