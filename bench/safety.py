"""How many dangers the gate finds, of which kind, how often it cries wolf, and how long it takes.

    .venv/bin/python -m bench.safety FILE.jsonl [--clean] [--misses] [--phrases-only]
    .venv/bin/python -m bench.safety --questions

FILE.jsonl has one {"text", "label"} a line; the label is a kind of danger or "none". A line may also have "group",
by which false alarms are counted apart. Every message is read as it is and spoilt in eight ways. Shares come with
Wilson's 95 % interval. --misses lists what was read wrongly: never for a file that is to stay unseen.

--questions reads what the assistant learns from instead (nlu/), without the two topics and the answer that are about
harm: who asks a question about care should get its answer. With --misses it lists those that were taken for danger.
"""

import argparse
import json
import random
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from content.safety_schema import load_safety
from helpline.checks import read_training_text
from helpline.danger_reader import DangerReader
from helpline.domain.safety import SURE, Danger, SafetyScanner
from helpline.settings import REPOSITORY

NONE = "none"
# Of these a carer at breaking point is one: the guide has words for them in case the gate has let them pass.
ABOUT_HARM = (("guide/safeguarding", None), ("guide/domestic-abuse", None), ("guide/stress-anxiety", "cannot-go-on"))
SEED = 20261122
_Z = 1.959964


@dataclass(frozen=True)
class Example:
    """One labelled message."""

    text: str
    label: str
    group: str


@dataclass(frozen=True)
class Read:
    """An example and what the gate made of it."""

    example: Example
    danger: Danger | None
    milliseconds: float


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


def _slips(text: str, chance: random.Random) -> str:
    """One letter in about every sixteen swapped with the next, doubled or left out, never the first of a word."""
    letters = list(text)
    for at in range(1, len(letters) - 1):
        if letters[at].isalpha() and letters[at - 1].isalpha() and chance.random() < 0.06:
            way = chance.randrange(3)
            if way == 0:
                letters[at], letters[at + 1] = letters[at + 1], letters[at]
            else:
                letters[at] *= 2 * (way - 1)
    return "".join(letters)


_SHORT = {
    "you": "u", "your": "ur", "are": "r", "to": "2", "for": "4", "please": "plz", "and": "n", "with": "wiv",
    "because": "cuz", "the": "da", "that": "dat", "going": "goin", "something": "sumthing", "cannot": "cnt",
    "can't": "cant", "don't": "dnt", "want": "wnt", "what": "wot", "about": "bout", "tonight": "2nite",
    "anymore": "nemore", "have": "hav", "before": "b4", "just": "jus", "again": "agen", "be": "b",
}  # fmt: skip
_FACES = ("\U0001f62d", "\U0001f494", "\U0001f622", "\U0001f64f", "\U0001f44d")
_PADDING = (
    "Hello, I hope you are well. I have a few things to ask today. The blue badge form came and we sent it back last "
    "week. My sister says the council may have a list of day centres near Braintree. The bins were late again."
)


def _text_speak(text: str, _: random.Random) -> str:
    return re.sub(r"[\w']+", lambda word: _SHORT.get(word.group().lower(), word.group()), text).lower()


def _no_vowels(text: str, chance: random.Random) -> str:
    """Every third word of five letters or more without the vowels inside it."""

    def clip(word: re.Match[str]) -> str:
        if len(word.group()) < 5 or chance.random() > 0.34:
            return word.group()
        return word.group()[0] + re.sub(r"[aeiou]", "", word.group()[1:-1]) + word.group()[-1]

    return re.sub(r"[A-Za-z]+", clip, text)


def _with_faces(text: str, chance: random.Random) -> str:
    words = text.split()
    at = chance.randrange(len(words) + 1)
    return " ".join([*words[:at], chance.choice(_FACES), *words[at:], chance.choice(_FACES) * 2])


PERTURBATIONS: dict[str, Callable[[str, random.Random], str]] = {
    "typos": _slips,
    "text-speak": _text_speak,
    "spaced letters": lambda text, _: "   ".join(" ".join(word) for word in text.split()),
    "CAPITALS": lambda text, _: text.upper(),
    "no vowels": _no_vowels,
    "emoji": _with_faces,
    "long padding": lambda text, _: f"{_PADDING} {text}. {_PADDING}",
}
SPLIT = "split in two"


def read_all(scanner: SafetyScanner, examples: Sequence[Example], spoil: Callable[[str], str]) -> list[Read]:
    """Every example, spoilt, as the gate reads it."""
    read = []
    for example in examples:
        text = spoil(example.text)
        start = time.perf_counter()
        danger = scanner.scan(text)
        read.append(Read(example, danger, (time.perf_counter() - start) * 1000))
    return read


def read_split(scanner: SafetyScanner, examples: Sequence[Example], chance: random.Random) -> list[Read]:
    """Every example sent as two messages, one straight after the other: what either of them shows counts."""
    read = []
    for example in examples:
        words = example.text.split()
        at = chance.randrange(1, len(words)) if len(words) > 1 else 1
        first, second = " ".join(words[:at]), " ".join(words[at:])
        start = time.perf_counter()
        danger = scanner.scan(first) or (scanner.scan(second, (first,)) if second else None)
        read.append(Read(example, danger, (time.perf_counter() - start) * 1000))
    return read


def _line(name: str, found: int, of: int, note: str = "") -> str:
    low, high = wilson(found, of)
    return f"  {name:26} {found:4}/{of:<4} {found / max(of, 1):7.1%}  ({low:6.1%} to {high:6.1%})  {note}".rstrip()


def report(read: Sequence[Read]) -> None:
    """Print recall for each kind, and false alarms for each group."""
    dangers = [one for one in read if one.example.label != NONE]
    print("Danger found, 95 % interval, and how many with the right kind")
    for kind in sorted({one.example.label for one in dangers}):
        of_kind = [one for one in dangers if one.example.label == kind]
        found = [one for one in of_kind if one.danger]
        right = sum(one.danger is not None and one.danger.kind == kind for one in found)
        print(_line(kind, len(found), len(of_kind), f"right kind {right / max(len(found), 1):.1%} of those found"))
    found = [one for one in dangers if one.danger]
    right = sum(one.danger is not None and one.danger.kind == one.example.label for one in found)
    sure = sum(one.danger is not None and one.danger.tier == SURE for one in found)
    print(_line("any danger", len(found), len(dangers), f"right kind {right / max(len(found), 1):.1%}, tier 1 {sure}"))
    print("False alarms (any, and tier 1)")
    for group in sorted({one.example.group for one in read if one.example.label == NONE}):
        harmless = [one for one in read if one.example.label == NONE and one.example.group == group]
        alarms = [one for one in harmless if one.danger]
        sure = sum(one.danger is not None and one.danger.tier == SURE for one in alarms)
        print(_line(group, len(alarms), len(harmless), f"tier 1 {sure} ({sure / len(harmless):.1%})"))


def report_spoilt(name: str, read: Sequence[Read]) -> None:
    """One line for one way of spoiling."""
    dangers = [one for one in read if one.example.label != NONE]
    harmless = [one for one in read if one.example.label == NONE]
    alarms = sum(one.danger is not None for one in harmless)
    note = f"false alarms {alarms}/{len(harmless)} {alarms / max(len(harmless), 1):.1%}"
    print(_line(name, sum(one.danger is not None for one in dangers), len(dangers), note))


def report_time(make_scanner: Callable[[], SafetyScanner], read: Sequence[Read]) -> None:
    """Print the time for a message, and for texts of 10,000 and 20,000 characters: the ratio is 2 when it is linear."""
    times = sorted(one.milliseconds for one in read)
    print(
        f"Time for a message: median {statistics.median(times):.2f} ms, "
        f"95 % {times[int(len(times) * 0.95)]:.2f} ms, 99 % {times[int(len(times) * 0.99)]:.2f} ms"
    )
    parts = {
        "ordinary": "can mum get a blue badge if she has not got a car. ",
        "near danger": "i am not going to kill him but he said he will hit me and i cannot breathe ",
        "one word": "i ",
        "no spaces": "iwanttogo",
        "gibberish": "qzxkv brtpl wqjxn ",
        "marks": "e\u0301\u0316",
    }
    print("10,000 characters: time, and the ratio of 20,000 to 10,000")
    for name, part in parts.items():
        one, two = (_best(make_scanner, (part * (size // len(part) + 1))[:size]) for size in (10_000, 20_000))
        print(f"  {name:12} {one:7.1f} ms   x{two / one:.2f}")


def _best(make_scanner: Callable[[], SafetyScanner], text: str) -> float:
    """The shortest of three times; each time a new scanner, because a reader remembers what it has read."""
    times = []
    for _ in range(3):
        scanner = make_scanner()
        start = time.perf_counter()
        scanner.scan(text)
        times.append((time.perf_counter() - start) * 1000)
    return min(times)


def show_misses(read: Sequence[Read]) -> None:
    """List what was read wrongly. ~ is the right alarm under another kind."""
    for one in read:
        label, danger = one.example.label, one.danger
        key = label if label != NONE else f"none: {one.example.group}"
        if (danger is None) != (label == NONE):
            what = f"{danger.rule} {danger.kind}" if danger else "missed"
        elif danger and danger.kind != label:
            what = f"~{danger.kind}"
        else:
            continue
        print(f"  {key:24} {what:40} {one.example.text}")


def report_questions(scanner: SafetyScanner, *, list_them: bool) -> None:
    """Print how many questions about care are taken for danger, and the topics of which most are."""
    asked: Counter[str] = Counter()
    alarms: Counter[str] = Counter()
    for block in read_training_text(REPOSITORY / "nlu"):
        if (block.intent, None) in ABOUT_HARM or (block.intent, block.answer) in ABOUT_HARM:
            continue
        found = [(text, danger) for text in block.phrasings if (danger := scanner.scan(text)) is not None]
        asked[block.intent] += len(block.phrasings)
        alarms[block.intent] += len(found)
        for text, danger in found if list_them else ():
            print(f"  {block.intent:26} {danger.kind:22} {text}")
    print(_line("questions about care", alarms.total(), asked.total()))
    for intent, count in alarms.most_common(10):
        print(_line(intent, count, asked[intent]))


def main() -> None:
    """Read the arguments and print the report."""
    arguments = argparse.ArgumentParser(description="Measure the safety gate.")
    arguments.add_argument("file", type=Path, nargs="?")
    arguments.add_argument("--questions", action="store_true", help="read the assistant's training questions instead")
    arguments.add_argument("--clean", action="store_true", help="only as the messages are, not spoilt")
    arguments.add_argument("--misses", action="store_true", help="list the messages that were read wrongly")
    arguments.add_argument("--phrases-only", action="store_true", help="tier 1 alone")
    given = arguments.parse_args()
    content = load_safety(REPOSITORY / "content" / "safety")

    def make_scanner() -> SafetyScanner:
        scanner = SafetyScanner(content, None if given.phrases_only else DangerReader())
        scanner.scan("warm up")
        return scanner

    scanner = make_scanner()
    if given.questions:
        report_questions(scanner, list_them=given.misses)
        return
    if given.file is None:
        arguments.error("name a file of labelled messages, for example tests/safety/development.jsonl")
    examples = read_examples(given.file)
    read = read_all(scanner, examples, lambda text: text)
    report(read)
    if given.misses:
        show_misses(read)
    if not given.clean:
        print("Spoilt")
        for name, spoil in PERTURBATIONS.items():
            chance = random.Random(SEED)
            report_spoilt(name, read_all(scanner, examples, lambda text, do=spoil, by=chance: do(text, by)))
        report_spoilt(SPLIT, read_split(scanner, examples, random.Random(SEED)))
    report_time(make_scanner, read)


if __name__ == "__main__":
    main()
