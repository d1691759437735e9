"""Teaches the sentence encoder to tell the guide's questions apart, and writes its files.

    python language_training/train.py PREPARED.json --out bot/language_model

Runs in the environment of danger_training, on a processor, in about a quarter of an hour on two cores. It starts from
all-MiniLM-L6-v2. What is learnt is only how near sentences are to each other: the assistant's own training, which
takes a minute, still decides which answer is given, so a new phrasing or answer needs no new encoder.
"""

import argparse
import hashlib
import json
import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from transformers import BertModel

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from danger_training.train import KEPT_OF_AVERAGE, WIDTH, base_folder, batches, half_precision, padded  # noqa: E402

BATCH = 32
MOST_PIECES = 64
# The topic is learnt beside the answer, because a right topic with a wrong answer is better than neither.
TOPIC_SHARE = 0.5


class Encoder(torch.nn.Module):
    """The language model and the mean of what it makes of every piece."""

    def __init__(self, base: Path) -> None:
        super().__init__()
        self.base = BertModel.from_pretrained(base, add_pooling_layer=False, attn_implementation="sdpa")

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """One vector for each text."""
        pieces = self.base(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        weight = attention_mask.unsqueeze(-1).to(pieces.dtype)
        return (pieces * weight).sum(1) / weight.sum(1)


class Learner(torch.nn.Module):
    """An encoder with a score for every answer; only the encoder is kept."""

    def __init__(self, base: Path, answers: int) -> None:
        super().__init__()
        self.encoder = Encoder(base)
        self.drop = torch.nn.Dropout(0.1)
        self.scores = torch.nn.Linear(WIDTH, answers)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The scores of all answers, a row for each text. Vectors are of length one, as the assistant uses them."""
        vectors = torch.nn.functional.normalize(self.encoder(ids, mask), dim=1)
        return self.scores(self.drop(vectors) * 16)


def train(learner: Learner, rows: list[dict[str, Any]], names: list[str], tokenizer: Tokenizer, given: Any) -> Learner:
    """Teach; every epoch sees each sentence as it is and in another spoilt copy. Gives the averaged weights."""
    chance = random.Random(given.seed)
    learner.encoder.base.embeddings.requires_grad_(False)
    topics = sorted({name.split("|")[0] for name in names})
    topic_of = torch.tensor([topics.index(name.split("|")[0]) for name in names])
    groups = torch.nn.functional.one_hot(topic_of).float()
    learning = [
        {"params": [p for p in learner.encoder.parameters() if p.requires_grad], "lr": given.rate},
        {"params": learner.scores.parameters(), "lr": given.rate * 10},
    ]
    steps = given.epochs * (2 * len(rows) // BATCH + 1)
    optimizer = torch.optim.AdamW(learning, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / (0.06 * steps)) * max(0.02, 1 - step / steps)
    )
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    average = AveragedModel(learner, multi_avg_fn=get_ema_multi_avg_fn(KEPT_OF_AVERAGE))
    learner.train()
    for epoch in range(given.epochs):
        texts, wanted = [], []
        for row in rows:
            copies = row["readings"][1:]
            for text in (row["readings"][0], copies[epoch % len(copies)]):
                texts.append(text)
                wanted.append(names.index(f"{row['intent']}|{row['answer']}"))
        pieces = [encoded.ids for encoded in tokenizer.encode_batch(texts)]
        order = batches(pieces, BATCH, chance)
        chance.shuffle(order)
        total = 0.0
        for number, batch in enumerate(order, start=1):
            with half_precision():
                scores = learner(*padded([pieces[at] for at in batch]))
            scores = scores.float()
            answer = torch.tensor([wanted[at] for at in batch])
            topic_scores = torch.log(torch.softmax(scores, 1) @ groups + 1e-9)
            loss = loss_of(scores, answer) + TOPIC_SHARE * torch.nn.functional.nll_loss(topic_scores, topic_of[answer])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learner.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            average.update_parameters(learner)
            total += loss.item()
            if number % 200 == 0 or number == len(order):
                print(f"epoch {epoch + 1}, {number}/{len(order)}: loss {total / number:.3f}", flush=True)
    averaged = average.module
    assert isinstance(averaged, Learner)
    return averaged


def right_of(
    learner: Learner, rows: list[dict[str, Any]], names: list[str], tokenizer: Tokenizer
) -> tuple[float, float]:
    """The shares of kept-back sentences with the right topic, and with the right answer too."""
    learner.eval()
    pieces = [encoded.ids for encoded in tokenizer.encode_batch([row["readings"][0] for row in rows])]
    topic = answer = 0
    with torch.no_grad():
        for batch in batches(pieces, 2 * BATCH, random.Random(0)):
            best = learner(*padded([pieces[at] for at in batch])).argmax(1)
            for at, name in zip(batch, (names[int(one)] for one in best), strict=True):
                topic += name.split("|")[0] == rows[at]["intent"]
                answer += name == f"{rows[at]['intent']}|{rows[at]['answer']}"
    return topic / len(rows), answer / len(rows)


def export(encoder: Encoder, out: Path) -> None:
    """Write the encoder as integers of eight bits, of which the weights use seven (see danger_training/train.py)."""
    encoder.eval()
    ids = torch.tensor([[101, 2000, 3000, 102]])
    axes = {"input_ids": {0: "texts", 1: "pieces"}, "attention_mask": {0: "texts", 1: "pieces"}, "vector": {0: "texts"}}
    with tempfile.TemporaryDirectory() as folder:
        exact = Path(folder) / "exact.onnx"
        torch.onnx.export(
            encoder, (ids, torch.ones_like(ids)), str(exact), input_names=["input_ids", "attention_mask"],
            output_names=["vector"], dynamic_axes=axes, opset_version=17, dynamo=False,
        )  # fmt: skip
        quantize_dynamic(exact, out, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)


def main() -> None:
    """Train, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("prepared", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    torch.manual_seed(given.seed)
    np.random.seed(given.seed)
    rows = json.loads(given.prepared.read_text("utf-8"))
    names = sorted({f"{row['intent']}|{row['answer']}" for row in rows})
    kept, learning = [row for row in rows if row["kept_back"]], [row for row in rows if not row["kept_back"]]
    base = base_folder()
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.enable_truncation(MOST_PIECES)
    tokenizer.no_padding()
    learner = train(Learner(base, len(names)), learning, names, tokenizer, given)
    topic, answer = right_of(learner, kept, names, tokenizer)
    print(f"kept back: {len(kept)}; right topic {topic:.1%}, right answer {answer:.1%}")

    given.out.mkdir(parents=True, exist_ok=True)
    export(learner.encoder, given.out / "encoder.onnx")
    shutil.copy(base / "tokenizer.json", given.out / "tokenizer.json")
    files = ("encoder.onnx", "tokenizer.json")
    card = {
        "sha256": {name: hashlib.sha256((given.out / name).read_bytes()).hexdigest() for name in files},
        "made_from": {"sentences": len(rows), "kept_back": len(kept), "epochs": given.epochs, "seed": given.seed},
    }
    (given.out / "card.json").write_text(json.dumps(card, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
