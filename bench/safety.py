"""How many dangers the first gate finds, how often it cries wolf, and how long it takes.

    python bench/safety.py FILE.jsonl [--perturb] [--misses]

FILE.jsonl has one {"text", "label"} a line; the label is a kind of danger or "none". A line may also have "group",
by which false alarms are counted apart.
"""

import argparse
import json
import random
import re
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from content.safety_schema import load_safety  # noqa: E402
from helpline.domain.safety import SafetyScanner  # noqa: E402

NONE = "none"
SEED = 20261122
_Z = 1.959964


@dataclass(frozen=True)
class Example:
    """One labelled message."""

    text: str
    label: str
    group: str


def read_examples(path: Path) -> list[Example]:
    """The labelled messages of a file."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [Example(line["text"], line["label"], line.get("group", "all")) for line in lines]


def wilson(found: int, of: int) -> tuple[float, float]:
    """Wilson's 95 % interval for a share, as two numbers from 0 to 1."""
    if of == 0:
        return 0.0, 1.0
    share = found / of
    middle = share + _Z * _Z / (2 * of)
    spread = _Z * ((share * (1 - share) + _Z * _Z / (4 * of)) / of) ** 0.5
    size = 1 + _Z * _Z / of
    return max(0.0, (middle - spread) / size), min(1.0, (middle + spread) / size)


def _line(name: str, found: int, of: int, note: str = "") -> str:
    low, high = wilson(found, of)
    share = found / of if of else 0.0
    return f"{name:24} {found:4}/{of:<4} {share:7.1%}  (95 % {low:6.1%} to {high:6.1%})  {note}"


def _typo(text: str, chance: random.Random) -> str:
    """One letter in about every sixteen swapped with the next or left out, never the first of a word."""
    letters = list(text)
    for at in range(1, len(letters) - 1):
        if letters[at].isalpha() and letters[at - 1].isalpha() and chance.random() < 0.06:
            if chance.random() < 0.5:
                letters[at], letters[at + 1] = letters[at + 1], letters[at]
            else:
                letters[at] = ""
    return "".join(letters)


PERTURBATIONS: dict[str, Callable[[str, random.Random], str]] = {
    "CAPITALS": lambda text, _: text.upper(),
    "extra spaces": lambda text, _: "  " + text.replace(" ", "   ") + " ",
    "no apostrophes": lambda text, _: re.sub(r"['\u2019]", "", text),
    "no punctuation": lambda text, _: re.sub(r"[^\w\s]", "", text),
    "s p a c e d": lambda text, _: "  ".join(" ".join(word) for word in text.split()),
    "6 % typos": _typo,
    "stretched": lambda text, _: re.sub(r"([aeiou])(?=\w*\b)", r"\1\1\1", text, count=4),
    "leet": lambda text, _: text.translate(str.maketrans("oiea", "0134")),
    "look-alikes": lambda text, _: text.translate(str.maketrans("aeo", "\u0430\u0435\u043e")),
    "no vowels inside": lambda text, _: re.sub(r"(?<=\w)[aeiou](?=\w)", "", text),
    "in a long message": lambda text, _: f"{'I have a question about the blue badge. ' * 40}{text}. Thank you.",
}


def report(scanner: SafetyScanner, examples: list[Example], show_misses: bool) -> None:
    """Print recall for each kind, false alarms for each group, and the time for a message."""
    scanner.scan("warm up")
    found: dict[str, int] = defaultdict(int)
    right: dict[str, int] = defaultdict(int)
    total: dict[str, int] = defaultdict(int)
    times: list[float] = []
    wrong: list[str] = []
    for example in examples:
        start = time.perf_counter()
        danger = scanner.scan(example.text)
        times.append((time.perf_counter() - start) * 1000)
        key = example.label if example.label != NONE else f"none: {example.group}"
        total[key] += 1
        found[key] += danger is not None
        right[key] += danger is not None and danger.kind == example.label
        if (danger is None) != (example.label == NONE):
            wrong.append(f"  {key:24} {danger.rule if danger else 'missed':32} {example.text}")
        elif danger and danger.kind != example.label:
            wrong.append(f"  {key:24} ~{danger.rule:32} {example.text}")
    kinds = sorted(key for key in total if not key.startswith(NONE))
    print("Found (any danger), and how many with the right kind")
    for kind in kinds:
        print(_line(kind, found[kind], total[kind], f"right kind {right[kind]}"))
    every = sum(total[kind] for kind in kinds)
    print(_line("all dangers", sum(found[k] for k in kinds), every, f"right kind {sum(right[k] for k in kinds)}"))
    print("False alarms")
    for group in sorted(key for key in total if key.startswith(NONE)):
        print(_line(group, found[group], total[group]))
    ordered = sorted(times)
    print(
        f"Time for a message: median {statistics.median(times):.2f} ms, "
        f"99 % {ordered[int(len(ordered) * 0.99)]:.2f} ms, longest {ordered[-1]:.2f} ms"
    )
    if show_misses:
        print("Wrong (~ is the right alarm under another kind)", *wrong, sep="\n")


def report_growth(scanner: SafetyScanner) -> None:
    """Print the time for texts of 10,000 and 20,000 characters, and their ratio: about 2 when the work is linear."""
    parts = {
        "ordinary": "can mum get a blue badge if she has not got a car ",
        "near danger": "i am not going to kill him but he said he will hit me and i cannot breathe ",
        "one word": "i ",
        "no spaces": "iwanttogo",
        "gibberish": "qzxkv brtpl wqjxn ",
        "marks": "e\u0301\u0316",
    }
    print("10,000 characters: time, and the ratio of 20,000 to 10,000")
    for name, part in parts.items():
        one, two = (_best(scanner, (part * (size // len(part) + 1))[:size]) for size in (10_000, 20_000))
        print(f"  {name:12} {one:7.1f} ms   x{two / one:.2f}")


def _best(scanner: SafetyScanner, text: str) -> float:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        scanner.scan(text)
        times.append((time.perf_counter() - start) * 1000)
    return min(times)


def main() -> None:
    """Read the arguments and print the report."""
    arguments = argparse.ArgumentParser(description="Measure the first safety gate.")
    arguments.add_argument("file", type=Path)
    arguments.add_argument("--perturb", action="store_true", help="also spoil the messages in eleven ways")
    arguments.add_argument("--misses", action="store_true", help="list the messages that were read wrongly")
    given = arguments.parse_args()
    scanner = SafetyScanner(load_safety(ROOT / "content" / "safety"))
    examples = read_examples(given.file)
    report(scanner, examples, given.misses)
    report_growth(scanner)
    if given.perturb:
        print("Spoilt: dangers found, false alarms")
        dangers = [example.text for example in examples if example.label != NONE]
        ordinary = [example.text for example in examples if example.label == NONE]
        for name, spoil in PERTURBATIONS.items():
            chance = random.Random(SEED)
            hits = sum(scanner.scan(spoil(text, chance)) is not None for text in dangers)
            alarms = sum(scanner.scan(spoil(text, chance)) is not None for text in ordinary)
            print(_line(name, hits, len(dangers), f"false alarms {alarms}/{len(ordinary)}"))


if __name__ == "__main__":
    main()
