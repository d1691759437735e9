"""Measures how well messages are understood, ours beside Rasa's default, on any folder of labelled sentences.

    bot/.venv/bin/python bench/nlu.py nlu --held-out tests/nlu/held_out.yml
    bot/.venv/bin/python bench/nlu.py FOLDER [--skip-default] [--epochs 100] [--json FILE]

FOLDER holds Rasa NLU files (*.yml; without --held-out every fifth sentence of each intent is kept back for
the test), or train.csv and test.csv with the columns text and label. The label oos or out_of_scope means that
a sentence belongs to nobody. Each pipeline is trained and asked in a process of its own, one thread, fixed
seed; misspelling comes from bench/noise.py. Compare ratios within one run: times on a busy machine vary, CPU
seconds less, accuracy not at all. Default Rasa's classifier is taught for 100 epochs, as a new Rasa project does; on
many thousand sentences that takes hours, which --epochs shortens for it.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parent.parent
NOISE = (0.0, 0.15, 0.30, 0.50)
OUT_OF_SCOPE = ("oos", "out_of_scope")
SEED = 7
DEFAULT_PIPELINE: list[dict[str, Any]] = [
    {"name": "WhitespaceTokenizer"},
    {"name": "RegexFeaturizer"},
    {"name": "LexicalSyntacticFeaturizer"},
    {"name": "CountVectorsFeaturizer"},
    {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
    {"name": "DIETClassifier", "random_seed": SEED},
    {"name": "FallbackClassifier", "threshold": 0.3, "ambiguity_threshold": 0.1},
]


class Row(NamedTuple):
    """A labelled sentence; answer is the answer within a guide topic, where there is one."""

    text: str
    label: str
    answer: str | None = None


def rows_of_yaml(folder: Path) -> list[Row]:
    """Return the sentences of every Rasa NLU file in a folder."""
    rows = []
    for path in sorted(folder.rglob("*.y*ml")):
        for block in (yaml.safe_load(path.read_text("utf-8")) or {}).get("nlu") or []:
            if "intent" not in block:
                continue
            examples = block["examples"]
            if isinstance(examples, str):
                examples = [{"text": line.strip()[1:].strip()} for line in examples.splitlines() if line.strip()]
            for one in examples:
                answer = {**(block.get("metadata") or {}), **(one.get("metadata") or {})}.get("answer")
                rows.append(Row(one["text"].strip(), block["intent"], answer))
    return rows


def rows_of_held_out(path: Path) -> list[Row]:
    """Return the sentences of a held-out file."""
    listed = yaml.safe_load(path.read_text("utf-8"))["sentences"]
    return [Row(one["text"], one["intent"], one.get("answer")) for one in listed]


def rows_of_csv(path: Path) -> list[Row]:
    """Return the sentences of a file with the columns text and label (or category)."""
    with path.open(encoding="utf-8", newline="") as lines:
        return [Row(one["text"], one.get("label") or one["category"]) for one in csv.DictReader(lines)]


def split(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Return training and test rows: every fifth of each intent and answer is kept back."""
    groups: dict[tuple[str, str | None], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.label, row.answer].append(row)
    train, test = [], []
    for group in groups.values():
        random.Random(SEED).shuffle(group)
        test += group[::5] if len(group) > 1 else []
        train += [row for place, row in enumerate(group) if place % 5 or len(group) == 1]
    return train, test


def write_training(rows: list[Row], path: Path, flat: bool) -> None:
    """Write rows as a Rasa NLU file. Flat labels are for the default pipeline, which cuts names at a slash."""
    blocks: dict[tuple[str, str | None], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        label = row.label.replace("/", "+") if flat else row.label
        blocks[label, None if flat else row.answer].append({"text": row.text.replace("\n", " ")})
    listed = [
        {"intent": label, **({"metadata": {"answer": answer}} if answer else {}), "examples": texts}
        for (label, answer), texts in blocks.items()
    ]
    path.write_text(yaml.safe_dump({"version": "3.1", "nlu": listed}, allow_unicode=True), "utf-8")


def measure(job: dict[str, Any]) -> dict[str, Any]:
    """Train one pipeline, ask it every test sentence at every level of noise, and return what came out."""
    sys.path[:0] = [str(ROOT / "bot"), str(ROOT / "bench")]
    import serve
    from noise import misspelt

    serve.prepare_environment()
    ours = job["pipeline"] == "ours"
    folder = Path(job["folder"])
    config = yaml.safe_load((ROOT / "config.yml").read_text("utf-8"))
    pipeline = config["pipeline"] if ours else default_pipeline(job["epochs"])
    settings = {"recipe": "default.v1", "language": "en", "assistant_id": "bench", "pipeline": pipeline}
    (folder / "config.yml").write_text(yaml.safe_dump(settings), "utf-8")
    if ours:
        import without_tensorflow

        without_tensorflow.install()
    import asyncio
    import logging

    from rasa.core.agent import Agent
    from rasa.model_training import train_nlu

    logging.disable(logging.CRITICAL)
    serve.quieten_needless_warnings()
    rows = [Row(*row) for row in job["train"]]
    write_training(rows, folder / "nlu.yml", flat=not ours)
    start = time.process_time()
    model = train_nlu(str(folder / "config.yml"), str(folder / "nlu.yml"), str(folder))
    result: dict[str, Any] = {
        "train_cpu_s": time.process_time() - start,
        "model_mb": Path(str(model)).stat().st_size / 1e6,
    }
    agent, loop = Agent.load(str(model)), asyncio.new_event_loop()
    test = [Row(*row) for row in job["test"]]
    spent: list[float] = []
    for level in NOISE:
        answers = []
        for row in test:
            text = misspelt(row.text, level, SEED)
            begin = time.process_time()
            read = loop.run_until_complete(agent.parse_message(text))
            spent.append((time.process_time() - begin) * 1000)
            ranked = [one for one in read["intent_ranking"] if one["name"] != "nlu_fallback"] or [{"name": None}]
            label = ranked[0].get("full_retrieval_intent_name") or str(ranked[0]["name"]).replace("+", "/")
            answers.append([label, ranked[0].get("confidence", 0.0), ranked[0].get("answer"), read["intent"]["name"]])
        result[f"noise_{level:.2f}"] = score(test, answers)
    result["parse_cpu_ms"] = sorted(spent)[len(spent) // 2]
    result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return result


def default_pipeline(epochs: int) -> list[dict[str, Any]]:
    """Return what a new Rasa project has, with its classifier taught for so many epochs."""
    return [
        {**component, "epochs": epochs} if component["name"] == "DIETClassifier" else component
        for component in DEFAULT_PIPELINE
    ]


def score(test: list[Row], found: list[list[Any]]) -> dict[str, float]:
    """Return accuracy, right answers among guide questions, and what is known about strange messages."""
    inside = [(row, got) for row, got in zip(test, found, strict=True) if row.label not in OUT_OF_SCOPE]
    outside = [got for row, got in zip(test, found, strict=True) if row.label in OUT_OF_SCOPE]
    guided = [(row, got) for row, got in inside if row.answer]
    figures = {"accuracy": share(got[0] == row.label for row, got in inside)}
    if guided:
        figures["answer"] = share(got[0] == row.label and got[2] == row.answer for row, got in guided)
        figures["no_answer"] = share(got[0] == row.label and got[2] is None for row, got in guided)
    if outside:
        # A message that is called out of scope is rejected, however sure that was.
        sure = sorted(-1.0 if got[0] in OUT_OF_SCOPE else got[1] for _, got in inside)
        limit = sure[int(0.05 * len(sure))]
        figures["oos_at_5"] = share(got[0] in OUT_OF_SCOPE or got[1] < limit for got in outside)
        turned = ("nlu_fallback", *OUT_OF_SCOPE)
        figures["oos_as_set"] = share(got[3] in turned for got in outside)
        figures["rejected_as_set"] = share(got[3] in turned for _, got in inside)
    return figures


def share(values: Any) -> float:
    """Return the percentage of values that are true."""
    listed = [bool(value) for value in values]
    return 100 * sum(listed) / max(len(listed), 1)


def run(pipeline: str, train: list[Row], test: list[Row], epochs: int) -> dict[str, Any]:
    """Measure one pipeline in a process of its own and return its figures."""
    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder) / "job.json"
        told = {"pipeline": pipeline, "folder": folder, "train": train, "test": test, "epochs": epochs}
        job.write_text(json.dumps(told), "utf-8")
        one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"), "1")
        python = ROOT / "bot" / ".venv" / "bin" / "python"
        subprocess.run(
            [str(python), __file__, "--job", str(job)],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, **one_thread, "PYTHONHASHSEED": "0", "TF_NUM_INTEROP_THREADS": "1"},
        )
        figures: dict[str, Any] = json.loads((Path(folder) / "figures.json").read_text("utf-8"))
        return figures


def table(results: dict[str, dict[str, Any]]) -> str:
    """Return the figures as a table with one row per figure, and the ratio ours / default where both are there."""
    lines = []
    names = list(results)
    keys = [f"noise_{level:.2f}.{key}" for level in NOISE for key in results[names[0]][f"noise_{level:.2f}"]]
    for key in [*keys, "train_cpu_s", "peak_mb", "parse_cpu_ms", "model_mb"]:
        group, _, part = key.partition(".") if key.startswith("noise") else (key, "", "")
        group, part = (key[:10], key[11:]) if key.startswith("noise") else (group, part)
        cells = [results[name][group].get(part) if part else results[name][group] for name in names]
        label = f"{part}, {float(group[6:]):.0%} misspelt" if part else key
        line = f"{label:34}" + "".join(f"{cell:12.1f}" if cell is not None else f"{'-':>12}" for cell in cells)
        if len(cells) == 2 and cells[1]:
            line += f"{cells[0] / cells[1]:12.2f}"
        lines.append(line)
    head = f"{'':34}" + "".join(f"{name:>12}" for name in names) + (f"{'ratio':>12}" if len(names) == 2 else "")
    return "\n".join([head, *lines])


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--held-out", type=Path)
    parser.add_argument("--skip-default", action="store_true", help="measure ours alone")
    parser.add_argument("--epochs", type=int, default=100, help="of default Rasa's classifier")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    parser.add_argument("--job", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.job:
        figures = measure(json.loads(given.job.read_text("utf-8")))
        given.job.with_name("figures.json").write_text(json.dumps(figures), "utf-8")
        return
    if not given.folder:
        parser.error("name a folder of labelled sentences, for example nlu")
    if (given.folder / "train.csv").exists():
        train, test = rows_of_csv(given.folder / "train.csv"), rows_of_csv(given.folder / "test.csv")
    elif given.held_out:
        train, test = rows_of_yaml(given.folder), rows_of_held_out(given.held_out)
    else:
        train, test = split(rows_of_yaml(given.folder))
    labels = len({row.label for row in train})
    print(f"{len(train)} training sentences, {len(test)} test sentences, {labels} labels")
    names = ["ours"] if given.skip_default else ["ours", "default"]
    results = {name: run(name, train, test, given.epochs) for name in names}
    print(table(results))
    if given.json:
        given.json.write_text(json.dumps(results, indent=1), "utf-8")


if __name__ == "__main__":
    main()
