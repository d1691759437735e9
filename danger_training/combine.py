"""Puts several trained readers together, so that they vote, and sets the scores from which on they are believed.

    python danger_training/combine.py FOLDER... --prepared PREPARED.json [--taught EARLIER.json] --out OUT_FOLDER
        [--threshold SCORE --doubt SCORE --threshold-in-parts SCORE]

The words and weights are those of the card of the reader that was made from the most examples. The scores are set on
the examples that train.py kept back from it, without those that an earlier reader was taught (--taught: what prepare.py
wrote for that one). Where too few are left, because the earlier readers were taught most of them, find the scores on
tests/safety/development.jsonl and give them.
"""

import argparse
import hashlib
import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from tokenizers import Tokenizer

MOST_PIECES = 100
MOST_OF_SEVEN_BITS = 64
NONE = "none"


def votes(readers: list[onnxruntime.InferenceSession], tokenizer: Tokenizer, text: str) -> np.ndarray:
    """The chances of the kinds: the mean of what the readers say, as logarithms."""
    pieces = tokenizer.encode(text)
    feed = {"ids": np.array([pieces.ids]), "mask": np.array([pieces.attention_mask])}
    said = [reader.run(["kind"], feed)[0][0] for reader in readers]
    logs = np.mean([one - np.log(np.exp(one - one.max()).sum()) - one.max() for one in said], axis=0)
    return np.asarray(np.exp(logs) / np.exp(logs).sum())


def refuse_eight_bits(reader: Path) -> None:
    """Exit if a weight uses all eight bits: such a reader says something else on processors without VNNI (train.py)."""
    for one in onnx.load(reader).graph.initializer:
        if (
            one.data_type == onnx.TensorProto.INT8
            and int(abs(onnx.numpy_helper.to_array(one).astype(int)).max()) > MOST_OF_SEVEN_BITS
        ):
            raise SystemExit(f"{reader} was written with weights of eight bits. Write it again with train.py.")


def examples_kept_back(prepared: Path, share: float, seed: int, taught: Path | None) -> list[dict[str, Any]]:
    """The examples that train.py kept back from the newest reader, and that no earlier one was taught."""
    rows: list[dict[str, Any]] = json.loads(prepared.read_text("utf-8"))["rows"]
    random.Random(seed).shuffle(rows)
    kept = rows[: int(len(rows) * share)]
    known = {row["readings"][0] for row in json.loads(taught.read_text("utf-8"))["rows"]} if taught else set()
    return [row for row in kept if row["readings"][0] not in known]


def main() -> None:
    """Combine, calibrate, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--taught", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kept-back", type=float, default=0.06)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--false-alarms", type=float, default=0.04)
    parser.add_argument("--disbelieved", type=float, default=0.01)
    parser.add_argument("--threshold", type=float, help="instead of the score that --false-alarms gives")
    parser.add_argument("--doubt", type=float, help="instead of the score that --disbelieved gives")
    parser.add_argument(
        "--second-opinion-from", type=float, default=0.0, help="the first one's score from which on all are asked"
    )
    parser.add_argument(
        "--second-opinion-to", type=float, default=1.0, help="the first one's score from which on it is asked alone"
    )
    parser.add_argument("--threshold-in-parts", type=float, help="the threshold for a part of a long text")
    given = parser.parse_args()
    cards = [json.loads((folder / "card.json").read_text("utf-8")) for folder in given.models]
    newest = max(cards, key=lambda card: int(card["made_from"]["examples"]))
    tokenizer = Tokenizer.from_file(str(given.models[-1] / "tokenizer.json"))
    tokenizer.enable_truncation(MOST_PIECES)
    tokenizer.no_padding()
    for folder in given.models:
        refuse_eight_bits(folder / "reader.onnx")
    readers = [onnxruntime.InferenceSession(str(folder / "reader.onnx")) for folder in given.models]
    rows = examples_kept_back(given.prepared, given.kept_back, given.seed, given.taught)
    scores = np.array([1 - votes(readers, tokenizer, row["readings"][0])[0] for row in rows])
    harmless = np.array([row["kind"] == NONE for row in rows])
    threshold = given.threshold or float(np.quantile(scores[harmless], 1 - given.false_alarms))
    doubt = given.doubt or float(np.quantile(scores[~harmless], given.disbelieved))
    alarms = float((scores[harmless] >= threshold).mean())
    caught = float((scores[~harmless] >= threshold).mean())
    print(f"{len(rows)} examples; threshold {threshold:.3f}, doubt {doubt:.3f}; caught {caught:.1%} of dangers")

    given.out.mkdir(parents=True, exist_ok=True)
    shutil.copy(given.models[-1] / "tokenizer.json", given.out / "tokenizer.json")
    names = [f"reader-{number}.onnx" for number in range(1, len(readers) + 1)]
    for folder, name in zip(given.models, names, strict=True):
        shutil.copy(folder / "reader.onnx", given.out / name)
    files = [*names, "tokenizer.json"]
    card = newest | {
        "sha256": {name: hashlib.sha256((given.out / name).read_bytes()).hexdigest() for name in files},
        "readers": names,
        "second_opinion_from": given.second_opinion_from,
        "second_opinion_to": given.second_opinion_to,
        "threshold": round(threshold, 3),
        "doubt": round(min(doubt, threshold), 3),
        "threshold_in_parts": round(max(given.threshold_in_parts or threshold, threshold), 3),
        "calibrated_on": {"examples": len(rows), "caught": round(caught, 4), "false_alarms": round(alarms, 4)},
    }
    (given.out / "card.json").write_text(json.dumps(card, ensure_ascii=False, indent=0) + "\n", "utf-8")


if __name__ == "__main__":
    main()
