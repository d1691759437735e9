"""Trains the model on nlu/ and reads every held-out sentence and follow-up; prints the readings as JSON.

Run by the test beside it.

It needs the assistant's interpreter, but neither Rasa nor TensorFlow, so it takes seconds rather than
minutes.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

for library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[library] = "1"
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bot"), str(ROOT / "bench")]

import yaml  # noqa: E402 (the path and the threads come first)
from components.sentence_vectors import SentenceEncoder  # noqa: E402
from components.topic_model import Example, Settings, TopicModel  # noqa: E402
from components.understanding import GUIDE, understand  # noqa: E402
from noise import misspelt  # noqa: E402

from nlu import rows_of_held_out, rows_of_yaml  # noqa: E402

# The share of misspelt words and the seed of the second reading.
MISSPELT, SEED = 0.30, 7


def main() -> None:
    """Train, read, print."""
    pipeline = yaml.safe_load((ROOT / "config.yml").read_text("utf-8"))["pipeline"]
    config = next(part for part in pipeline if part["name"].endswith("SentenceVectorClassifier"))
    fallback = next(part for part in pipeline if part["name"] == "FallbackClassifier")
    settings = Settings(**{one.name: config[one.name] for one in fields(Settings) if one.name in config})
    examples = [Example(*row) for row in rows_of_yaml(ROOT / "nlu")]
    model = TopicModel.train(examples, SentenceEncoder(), settings)
    readings = []
    for row in rows_of_held_out(ROOT / "tests" / "nlu" / "held_out.yml"):
        clean, noisy = model.read(row.text), model.read(misspelt(row.text, MISSPELT, SEED))
        readings.append(
            {
                "text": row.text,
                "intent": row.label,
                "answer": row.answer,
                "got": clean.ranking[0][0],
                "got_answer": clean.answer,
                "understood": clean.confidence >= fallback["threshold"],
                "got_misspelt": noisy.ranking[0][0],
            }
        )
    json.dump({"held_out": readings, "follow_ups": read_follow_ups(model, fallback["threshold"])}, sys.stdout)


def read_follow_ups(model: TopicModel, threshold: float) -> list[dict[str, Any]]:
    """Return each follow-up with the topic that it is answered from, or none if it is not taken for a question."""
    found = []
    for one in yaml.safe_load((ROOT / "tests" / "nlu" / "follow_ups.yml").read_text("utf-8")):
        companions = companions_of(one["after"])
        reading = understand(model, one["text"], one["after"], companions).reading
        intent = reading.ranking[0][0]
        is_topic = intent.startswith(GUIDE) and reading.confidence >= threshold
        got = intent.partition("/")[2] if is_topic else None
        found.append({**one, "got": got, "answer": reading.answer, "near": [one["after"], *companions]})
    return found


def companions_of(topic: str) -> list[str]:
    """Return the topics that go with one, from the head of its file."""
    head = (ROOT / "content" / "guide" / f"{topic}.md").read_text("utf-8").split("\n---\n")[0]
    return list(yaml.safe_load(head).get("goes_with") or [])


if __name__ == "__main__":
    main()
